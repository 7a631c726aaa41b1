package s3

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// listed is an upload in a listing, as old as it says.
type listed struct {
	key, id string
	age     time.Duration
}

func listing(all ...listed) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		_, _ = io.WriteString(w, "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>")
		for _, u := range all {
			_, _ = fmt.Fprintf(w, "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s</Initiated></Upload>",
				u.key, u.id, time.Now().Add(-u.age).UTC().Format(time.RFC3339))
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

func TestLeftOverUploadsAreEnded(t *testing.T) {
	const name = "lake/stock/key=a/stock+7+00000000000000000042.txt"
	old := 2 * time.Hour
	f, a := faults(t)
	bucket(t, a, "lake")
	f.next("uploads", listing(
		listed{name, "old", old}, listed{name, "young", 50 * time.Minute}, listed{"lake/stock+7+00000000000000000042.txt", "other-folder", old},
		listed{strings.Replace(name, "+7+", "+8+", 1), "other-partition", old}, listed{strings.Replace(name, "stock+", "stocks+", 1), "other-topic", old},
		listed{name + ".gz", "other-format", old}, listed{strings.Replace(name, "42.", "042.", 1), "no-name-of-ours", old},
	))
	for range 3 {
		f.next("abort", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusNoContent) })
	}
	s := newSink(t, a, "lake")
	flushTwice(t, s)
	var ended []string
	for _, r := range f.of("abort") {
		ended = append(ended, r.URL.Query().Get("uploadId"))
	}
	if !slices.Equal(ended, []string{"old", "other-folder"}) {
		t.Errorf("ended %q", ended)
	}
	if lists := f.of("uploads"); len(lists) != 1 || lists[0].URL.Query().Get("prefix") != "lake/" {
		t.Errorf("%d listings", len(lists))
	}
	if warnings := s.(sink.Warner).Warnings(); len(warnings) > 0 {
		t.Errorf("warnings %v", warnings)
	}
}

// TestSweepsThatAreRefused do not fail the flush, and are told of once.
func TestSweepsThatAreRefused(t *testing.T) {
	const name = "lake/stock+7+00000000000000000042.txt"
	for kind, what := range map[string]string{"uploads": "list uploads of s3://lake/lake/", "abort": "abort an upload of s3://lake/" + name} {
		f, a := faults(t)
		bucket(t, a, "lake")
		f.next("uploads", listing(listed{name, "u", 2 * time.Hour}))
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

// TestASweepSparesWhatIsUnderWay here, however old.
func TestASweepSparesWhatIsUnderWay(t *testing.T) {
	f, a := faults(t)
	s := bucket(t, a, "lake")
	s.know("mine", true)
	f.next("uploads", listing(listed{"x", "mine", 9 * time.Hour}))
	must(t, s.Sweep(t.Context(), "", func(string) bool { return true }))
	if n := len(f.of("abort")); n > 0 {
		t.Errorf("%d were ended", n)
	}
}
