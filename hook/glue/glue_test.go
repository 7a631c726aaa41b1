package glue

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var flushed = hook.Event{Connector: "stock-lake", Files: []sink.File{{Name: "a.parquet"}}}

// fake plays Glue: it answers each request with the next line of a script, "StartCrawler CrawlerRunningException" or
// "GetCrawler RUNNING", and fails the test where another operation is asked for.
type fake struct {
	t      *testing.T
	mu     sync.Mutex
	script []string
	url    string
}

func newFake(t *testing.T, script ...string) *fake {
	f := &fake{t: t, script: script}
	srv := httptest.NewServer(f)
	f.url = srv.URL
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Cleanup(func() {
		srv.Close()
		if len(f.script) > 0 && !t.Failed() {
			t.Errorf("never asked: %q", f.script)
		}
	})
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var in struct{ Name string }
	asked := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.")
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Name != "stock" || len(f.script) == 0 {
		f.t.Errorf("asked for %s of %q, %v", asked, in.Name, err)
		f.script = []string{asked + " InternalServiceException"}
	}
	want, answer, _ := strings.Cut(f.script[0], " ")
	if f.script = f.script[1:]; asked != want {
		f.t.Errorf("asked for %s, not %s", asked, want)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if strings.HasSuffix(answer, "Exception") {
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"__type": answer, "Message": "so it is"})
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"Crawler": map[string]string{"Name": "stock", "State": answer}})
}

func crawl(t *testing.T, url string) hook.Hook {
	t.Helper()
	h, err := New(Config{Config: aws.Config{Endpoint: url, Region: "us-east-1"}, Crawler: "stock", Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFlushed(t *testing.T) {
	const throttled = "StartCrawler ThrottlingException"
	for _, tt := range []struct {
		name   string
		script []string
		want   string
	}{
		{"ready", []string{"StartCrawler "}, ""},
		{"running", []string{"StartCrawler CrawlerRunningException", "GetCrawler RUNNING", "GetCrawler STOPPING", "GetCrawler READY", "StartCrawler "}, ""},
		{"ready too early, and another's crawl", []string{"StartCrawler CrawlerRunningException", "GetCrawler READY",
			"StartCrawler CrawlerRunningException", "GetCrawler READY", "StartCrawler "}, ""},
		{"stopping", []string{"StartCrawler CrawlerStoppingException", "GetCrawler READY", "StartCrawler "}, ""},
		{"no crawler", []string{"StartCrawler EntityNotFoundException"}, "make the crawler"},
		{"gone while waiting", []string{"StartCrawler CrawlerRunningException", "GetCrawler EntityNotFoundException"}, "make the crawler"},
		{"no right", []string{"StartCrawler AccessDeniedException"}, "allow glue:StartCrawler"},
		{"throttled for a moment", []string{throttled, "StartCrawler "}, ""},
		{"throttled", []string{throttled, throttled, throttled}, "poll less often"},
		{"something else", []string{"StartCrawler InvalidInputException"}, "InvalidInputException: so it is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := crawl(t, newFake(t, tt.script...).url).Flushed(t.Context(), flushed)
			if tt.want == "" && err != nil {
				t.Error(err)
			}
			if tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), `glue: crawler "stock": `) || !strings.Contains(err.Error(), tt.want)) {
				t.Error(err)
			}
		})
	}
}

func TestNothingToDo(t *testing.T) {
	h := crawl(t, newFake(t, "StartCrawler ").url)
	if err := h.Flushed(t.Context(), hook.Event{Connector: "stock-lake"}); err != nil {
		t.Error(err)
	}
	if err := h.Flushed(t.Context(), hook.Event{Connector: "stock-lake", Recovered: true}); err != nil {
		t.Error(err)
	}
}

func TestContextEndsTheWait(t *testing.T) {
	h := crawl(t, newFake(t, "StartCrawler CrawlerRunningException").url)
	h.(*crawler).Poll = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := h.Flushed(ctx, flushed); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	c := Defaults()
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "needs a name") {
		t.Errorf("without a name: %v", err)
	}
	c.Crawler, c.Poll = "stock", -1
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "is not a time") {
		t.Errorf("negative poll: %v", err)
	}
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	c.Poll = time.Second
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Flushed(t.Context(), flushed); err == nil || !strings.Contains(err.Error(), "set region") {
		t.Errorf("without a region: %v", err)
	}
}
