package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// uploads is how many were begun and have not ended.
func (s *store) uploads(t *testing.T) int {
	t.Helper()
	out, err := s.client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &s.bucket})
	if code(err) == "NoSuchUpload" {
		return 0
	}
	must(t, err)
	return len(out.Uploads)
}

func none(http.ResponseWriter, *http.Request, http.Handler) {}

func TestOutcomesOfUploads(t *testing.T) {
	for _, c := range []struct {
		kind  string
		name  string
		fault fault
		err   string // of the first Commit; the second must succeed
	}{
		{"create", "503", answer(503, "SlowDown"), ""},
		{"create", "403", answer(403, "AccessDenied"), "AccessDenied: no; allow s3:PutObject"},
		{"part", "500", answer(500, "InternalError"), ""},
		{"part", "400", answer(400, "BadDigest"), "BadDigest"},
		{"part", "no ETag", none, "without an ETag"},
		{"part", "lost", lost, ""},
		{"complete", "lost", lost, ""},
		{"complete", "done, and 500", liar, ""},
		{"complete", "200 with an error in its body", answer(200, "InternalError"), ""},
		{"complete", "200 that is none of S3's", none, "without an ETag"},
		{"complete", "409", answer(409, "ConditionalRequestConflict"), "ConditionalRequestConflict"},
		{"complete", "412 and nothing there", answer(412, "PreconditionFailed"), "PreconditionFailed"},
		{"complete", "404", answer(404, "NoSuchUpload"), "NoSuchUpload"},
	} {
		t.Run(c.kind+" "+c.name, func(t *testing.T) {
			f, a := faults(t)
			place := bucket(t, a, "lake")
			flush := flushInto(t, inParts(t, a, "lake"))
			f.next(c.kind, pass, c.fault) // the anchor passes
			made, err := flush.Commit(t.Context())
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one that says %q", err, c.err)
				}
				if n := place.uploads(t); n > 0 {
					t.Errorf("%d uploads are left after the error", n)
				}
				made, err = flush.Commit(t.Context())
			}
			must(t, err)
			whole(t, made, place.all(t))
			if n := place.uploads(t); n > 0 {
				t.Errorf("%d uploads are left over", n)
			}
		})
	}
}

// TestAnUploadThatIsGivenUp is taken back, though its context is done.
func TestAnUploadThatIsGivenUp(t *testing.T) {
	f, a := faults(t)
	place := bucket(t, a, "lake")
	ctx, cancel := context.WithCancel(t.Context())
	f.next("part", func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	flush := flushInto(t, inParts(t, a, "lake"))
	if _, err := flush.Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := place.uploads(t); n > 0 || len(f.of("abort")) != 1 {
		t.Errorf("%d uploads are left, %d were taken back", n, len(f.of("abort")))
	}
	made, err := flush.Commit(t.Context())
	must(t, err)
	whole(t, made, place.all(t))
}

const megabyte = 1 << 20

// largeValue is the row at an offset, which comes to a megabyte with its newline.
func largeValue(offset int64) []byte {
	value := make([]byte, megabyte-1)
	copy(value, fmt.Sprintf("row %d ", offset))
	return value
}

// largeFlush is an interval of n megabytes in one file.
func largeFlush(t *testing.T, s sink.Sink, n int64) sink.Flush {
	t.Helper()
	w, err := s.Open(t.Context(), sinktest.Claim(0, 0))
	must(t, err)
	t.Cleanup(func() { must(t, w.(io.Closer).Close()) })
	for i := range n {
		rec := record.Record{Offset: i, Key: []byte("a"), Value: largeValue(i)}
		must(t, w.Write(t.Context(), &record.Batch{Topic: "stock", Records: []record.Record{rec}}))
	}
	f, err := w.Cut(n)
	must(t, err)
	return f
}

func largeFile(n int64) []byte {
	var all []byte
	for i := range n {
		all = append(append(all, largeValue(i)...), '\n')
	}
	return all
}

func TestRequestsOfAnUpload(t *testing.T) {
	const size = 35
	f, a := faults(t)
	place := bucket(t, a, "lake")
	made, err := largeFlush(t, newSink(t, a, "lake"), size).Commit(t.Context())
	must(t, err)
	want := largeFile(size)
	if there := place.all(t); len(there) != 1 || !bytes.Equal(there[made[0].Name], want) {
		t.Errorf("%d files are there", len(there))
	}
	create, sent, complete := f.of("create"), f.of("part"), f.of("complete")
	if len(create) != 1 || len(sent) != 3 || len(complete) != 1 || len(f.of("put")) > 0 {
		t.Fatalf("%d begun, %d parts, %d completed", len(create), len(sent), len(complete))
	}
	headers(t, create[0], map[string]string{
		"X-Amz-Checksum-Algorithm": "CRC32C", "X-Amz-Checksum-Type": "FULL_OBJECT", "X-Amz-Meta-Penstock-Rows": "35", "If-None-Match": "",
	})
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	var sums, wanted []string
	for i, p := range sent {
		headers(t, p, map[string]string{"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD", "X-Amz-Trailer": "", "X-Amz-Sdk-Checksum-Algorithm": ""})
		sums = append(sums, p.Header.Get("X-Amz-Checksum-Crc32c"))
		wanted = append(wanted, *encoded(crc32.Checksum(want[i*16*megabyte:min(len(want), (i+1)*16*megabyte)], castagnoli)))
	}
	if slices.Sort(sums); !slices.Equal(sums, slices.Sorted(slices.Values(wanted))) {
		t.Errorf("checksums %q, want %q", sums, wanted)
	}
	headers(t, complete[0], map[string]string{
		"If-None-Match": "*", "X-Amz-Checksum-Crc32c": *encoded(crc32.Checksum(want, castagnoli)),
		"X-Amz-Checksum-Type": "FULL_OBJECT", "X-Amz-Mp-Object-Size": "36700160",
	})
}

func headers(t *testing.T, r *http.Request, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if got := r.Header.Get(k); got != v {
			t.Errorf("%s: %s is %q, want %q", kind(r), k, got, v)
		}
	}
}

// TestALargeObjectOnMinIO: MinIO holds the sum of the whole against what it received.
func TestALargeObjectOnMinIO(t *testing.T) {
	a := minIO(t)
	name := fmt.Sprintf("large-%x", time.Now().UnixNano())
	place := bucket(t, a, name)
	for range 2 { // the second meets the first
		made, err := largeFlush(t, newSink(t, a, name), 35).Commit(t.Context())
		must(t, err)
		if there := place.all(t); len(there) != 1 || !bytes.Equal(there[made[0].Name], largeFile(35)) {
			t.Errorf("%d files are there", len(there))
		}
	}
}
