package s3

import (
	"fmt"
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

// listed is an upload in a listing.
type listed struct{ key, id string }

func listing(all ...listed) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		_, _ = io.WriteString(w, "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>")
		for _, u := range all {
			_, _ = fmt.Fprintf(w, "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s</Initiated></Upload>",
				u.key, u.id, time.Now().UTC().Format(time.RFC3339))
		}
		_, _ = io.WriteString(w, "</ListMultipartUploadsResult>")
	}
}

// flushTwice makes a file, and another: only the first may sweep.
func flushTwice(t *testing.T, s sink.Sink) {
	t.Helper()
	w, err := s.Open(t.Context(), sinktest.Claim(7, 0))
	must(t, err)
	defer func() { must(t, w.(io.Closer).Close()) }()
	for i := range int64(2) {
		must(t, w.Write(t.Context(), &record.Batch{Topic: "stock", Records: []record.Record{{Offset: i, Key: []byte("a"), Value: []byte("v")}}}))
		f, err := w.Cut(i + 1)
		must(t, err)
		_, err = f.Commit(t.Context())
		must(t, err)
	}
}

// TestLeftOverUploadsAreEnded of files that stand: of no others can it be known that nobody is at work on them.
func TestLeftOverUploadsAreEnded(t *testing.T) {
	const name = "lake/stock/key=a/stock+7+00000000000000000000.txt" // which flushTwice makes
	other := func(old, new string) string { return strings.Replace(name, old, new, 1) }
	f, a := faults(t)
	place := bucket(t, a, "lake")
	foreign := other("00.txt", "77.txt")
	must(t, place.put(t.Context(), foreign, map[string]string{"penstock-connector": "another"}, probe("x")))
	f.requests = nil
	f.next("uploads", listing(
		listed{name, "stands"}, listed{foreign, "another-connector's"}, listed{other("00.txt", "42.txt"), "does-not-stand"}, listed{"lake/stock+7+00000000000000000000.txt", "other-folder"},
		listed{other("+7+", "+8+"), "other-partition"}, listed{other("stock+", "stocks+"), "other-topic"},
		listed{name + ".gz", "other-format"}, listed{other("00.txt", "000.txt"), "no-name-of-ours"}, listed{name, "stands-too"},
	))
	for range 2 {
		f.next("abort", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusNoContent) })
	}
	s := newSink(t, a, "lake")
	flushTwice(t, s)
	var ended []string
	for _, r := range f.of("abort") {
		ended = append(ended, r.URL.Query().Get("uploadId"))
	}
	if !slices.Equal(ended, []string{"stands", "stands-too"}) {
		t.Errorf("ended %q", ended)
	}
	if lists := f.of("uploads"); len(lists) != 1 || lists[0].URL.Query().Get("prefix") != "lake/" {
		t.Errorf("%d listings", len(lists))
	}
	if warnings := s.(sink.Warner).Warnings(); len(warnings) > 0 {
		t.Errorf("warnings %v", warnings)
	}
}

// TestALargeObjectEndsWhatAPredecessorLeft of it at once, whoever made it, also on MinIO, which lists uploads by whole names alone.
func TestALargeObjectEndsWhatAPredecessorLeft(t *testing.T) {
	a := minIO(t)
	name := fmt.Sprintf("left-%x", time.Now().UnixNano())
	place := bucket(t, a, name)
	const key = "lake/stock/key=a/stock+0+00000000000000000000.txt"
	leave := func(key string) *s3.CreateMultipartUploadOutput {
		made, err := place.client.CreateMultipartUpload(t.Context(), place.uploadInput(key, nil))
		must(t, err)
		return made
	}
	wantLeft := func(u *s3.CreateMultipartUploadOutput, want string) {
		t.Helper()
		_, err := place.client.ListParts(t.Context(), &s3.ListPartsInput{Bucket: &place.bucket, Key: u.Key, UploadId: u.UploadId})
		if code(err) != want {
			t.Errorf("%s: %v", *u.Key, err)
		}
	}
	other := leave(key + ".other")
	for _, run := range []string{"makes it", "finds it"} {
		left := leave(key)
		_, err := largeFlush(t, newSink(t, a, name), 33).Commit(t.Context())
		if err != nil {
			t.Fatalf("who %s: %v", run, err)
		}
		wantLeft(left, "NoSuchUpload")
	}
	wantLeft(other, "")
}

// TestASweepOutlastsAnIllStore, and does not ask again where that is of no use.
func TestASweepOutlastsAnIllStore(t *testing.T) {
	for name, c := range map[string]struct {
		ill           fault
		lists, aborts int
	}{
		"500":   {answer(500, "InternalError"), 3, 2},
		"reset": {func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }, 3, 2},
		"429":   {answer(429, "TooManyRequests"), 3, 2},
		"403":   {answer(403, "AccessDenied"), 1, 0},
		"501":   {answer(501, "NotImplemented"), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f, a := faults(t)
			s := bucket(t, a, "lake")
			f.next("uploads", c.ill)
			f.next("uploads", listing(listed{"x", "left"}))
			f.next("uploads", listing(listed{"x", "left"}))
			f.next("abort", c.ill)
			f.next("abort", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusNoContent) })
			err := s.Sweep(t.Context(), "x", func(name string) bool { return name == "x" })
			if (err == nil) != (c.lists > 1) {
				t.Errorf("error %v", err)
			}
			if lists, aborts := len(f.of("uploads")), len(f.of("abort")); lists != c.lists || aborts != c.aborts {
				t.Errorf("%d listings, %d requests to end an upload", lists, aborts)
			}
		})
	}
}

// TestARedoSweepsAtOnce, however lately this process has looked.
func TestARedoSweepsAtOnce(t *testing.T) {
	f, a := faults(t)
	bucket(t, a, "lake")
	s := newSink(t, a, "lake")
	flushTwice(t, s)
	c := sinktest.Claim(0, 0)
	c.Until = 3
	w, err := s.Open(t.Context(), c)
	must(t, err)
	defer func() { must(t, w.(io.Closer).Close()) }()
	must(t, w.Write(t.Context(), &record.Batch{Topic: "stock", Records: []record.Record{{Key: []byte("a"), Value: []byte("v")}}}))
	flush, err := w.Cut(3)
	must(t, err)
	_, err = flush.Commit(t.Context())
	must(t, err)
	if n := len(f.of("uploads")); n != 2 {
		t.Errorf("%d listings", n)
	}
}

// TestSweepsThatAreRefused do not fail the flush, and are told of once.
func TestSweepsThatAreRefused(t *testing.T) {
	const name = "lake/stock/key=a/stock+7+00000000000000000000.txt"
	for kind, what := range map[string]string{"uploads": "list uploads of s3://lake/lake/", "abort": "abort an upload of s3://lake/" + name} {
		f, a := faults(t)
		bucket(t, a, "lake")
		f.next("uploads", listing(listed{name, "u"}))
		if kind == "uploads" {
			f.faults[kind] = []fault{answer(403, "AccessDenied")}
		}
		f.next("abort", answer(403, "AccessDenied"))
		s := newSink(t, a, "lake")
		flushTwice(t, s)
		warnings := s.(sink.Warner).Warnings()
		if len(warnings) != 1 || !strings.Contains(warnings[0].Error(), what) || !strings.Contains(warnings[0].Error(), "s3:AbortMultipartUpload on the objects, or give the bucket a lifecycle rule") {
			t.Errorf("warnings %v", warnings)
		}
		if again := s.(sink.Warner).Warnings(); len(again) > 0 {
			t.Errorf("and again %v", again)
		}
	}
}

// TestASweepSparesWhatIsUnderWay here.
func TestASweepSparesWhatIsUnderWay(t *testing.T) {
	f, a := faults(t)
	s := bucket(t, a, "lake")
	s.know("mine", true)
	f.next("uploads", listing(listed{"x", "mine"}))
	must(t, s.Sweep(t.Context(), "", func(string) bool { return true }))
	if n := len(f.of("abort")); n > 0 {
		t.Errorf("%d were ended", n)
	}
}
