package s3

import (
	"bytes"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// watch gives the most memory that the process has had of the system since it was called.
func watch() (most func() int64) {
	stop, peak := make(chan struct{}), make(chan int64)
	go func() {
		var top int64
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for {
			metrics.Read(sample)
			top = max(top, int64(sample[0].Value.Uint64()-sample[1].Value.Uint64()))
			select {
			case <-stop:
				peak <- top
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(stop); return <-peak }
}

// drain takes parts in, and keeps their sums.
type drain struct {
	mu    sync.Mutex
	bytes int64
	parts int
	whole string
}

func (d *drain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	n, _ := io.CopyBuffer(struct{ io.Writer }{sum}, r.Body, make([]byte, 32<<10))
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("ETag", `"1"`)
	switch kind(r) {
	case "create":
		_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
	case "part":
		if *encoded(sum.Sum32()) != r.Header.Get("X-Amz-Checksum-Crc32c") {
			answer(400, "BadDigest")(w, r, nil)
			return
		}
		d.bytes += n
		d.parts++
	case "complete":
		d.whole = r.Header.Get("X-Amz-Checksum-Crc32c")
		_, _ = io.WriteString(w, "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>")
	}
}

// TestAFileLargerThanMemory makes one of 300 MB where 64 MiB are allowed in all: rows go out of memory as the runtime has them go
// near its budget, the file as it is encoded, and its parts are sent from there.
func TestAFileLargerThanMemory(t *testing.T) {
	const (
		size   = 300_000_000
		row    = 1000
		budget = 64 * megabyte
	)
	credentials(t, "key", "secret")
	var d drain
	server := httptest.NewServer(&d)
	defer server.Close()
	debug.FreeOSMemory()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(budget))
	most := watch()
	w, err := newSink(t, aws.Config{Endpoint: server.URL, PathStyle: true}, "lake").Open(t.Context(), sinktest.Claim(0, 0))
	must(t, err)
	defer func() { must(t, w.(io.Closer).Close()) }()
	sum, spills := fill(t, w, size/row, bytes.Repeat([]byte("x"), row-1), budget/2)
	f, err := w.Cut(size / row)
	must(t, err)
	files, err := f.Commit(t.Context())
	must(t, err)
	if peak := most(); peak > budget || spills < 5 {
		t.Errorf("%d MiB at most, %d spills", peak/megabyte, spills)
	} else {
		t.Logf("%d MiB at most, %d spills", peak/megabyte, spills)
	}
	if d.bytes != size || d.parts != 18 || d.whole != *encoded(sum) || files[0].Bytes != size || files[0].Rows != size/row {
		t.Errorf("%d bytes in %d parts, whole %s, want %s; made %+v", d.bytes, d.parts, d.whole, *encoded(sum), files)
	}
	if held := w.(sink.Sized).Size(); held != 0 {
		t.Errorf("%d bytes are held in the end", held)
	}
}

// fill writes n rows and spills where they hold more than limit. It gives the sum of the file that they make.
func fill(t *testing.T, w sink.Writer, n int64, value []byte, limit int64) (sum uint32, spills int) {
	t.Helper()
	line := append(bytes.Clone(value), '\n')
	table := crc32.MakeTable(crc32.Castagnoli)
	b := &record.Batch{Topic: "stock", Records: make([]record.Record, 1000)}
	for at := int64(0); at < n; at += int64(len(b.Records)) {
		for i := range b.Records {
			b.Records[i] = record.Record{Offset: at + int64(i), Key: []byte("a"), Value: value}
			sum = crc32.Update(sum, table, line)
		}
		must(t, w.Write(t.Context(), b))
		if w.(sink.Sized).Size() < limit {
			continue
		}
		freed, err := w.(sink.Spiller).Spill()
		must(t, err)
		if held := w.(sink.Sized).Size(); freed < limit*9/10 || held > limit/10 {
			t.Fatalf("%d bytes were freed, %d are held", freed, held)
		}
		spills++
	}
	return sum, spills
}
