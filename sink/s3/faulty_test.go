package s3

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/penstock/penstock/aws"
)

// fault is what becomes of one request to the S3 behind.
type fault func(w http.ResponseWriter, r *http.Request, s3 http.Handler)

// faulty is an S3 that treats the next few requests of a kind in its own way, and remembers them all.
type faulty struct {
	http.Handler
	mu       sync.Mutex
	faults   map[string][]fault
	requests []*http.Request
}

// kind is put, create, part, complete, abort, uploads, list, head, get, delete or bucket.
func kind(r *http.Request) string {
	q := r.URL.Query()
	object := strings.Count(r.URL.Path, "/") > 1 && !strings.HasSuffix(r.URL.Path, "/")
	switch {
	case q.Has("uploads") && r.Method == http.MethodPost:
		return "create"
	case q.Has("uploads"):
		return "uploads"
	case q.Has("partNumber"):
		return "part"
	case q.Has("uploadId") && r.Method == http.MethodPost:
		return "complete"
	case q.Has("uploadId"):
		return "abort"
	case q.Has("list-type"):
		return "list"
	case object:
		return strings.ToLower(r.Method)
	}
	return "bucket"
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	do := pass
	if k := kind(r); len(f.faults[k]) > 0 {
		do, f.faults[k] = f.faults[k][0], f.faults[k][1:]
	}
	f.requests = append(f.requests, r)
	f.mu.Unlock()
	do(w, r, f.Handler)
}

// next says what becomes of the coming requests of a kind.
func (f *faulty) next(kind string, do ...fault) { f.faults[kind] = append(f.faults[kind], do...) }

// of is the requests of a kind that came.
func (f *faulty) of(k string) (all []*http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if kind(r) == k {
			all = append(all, r)
		}
	}
	return all
}

func pass(w http.ResponseWriter, r *http.Request, s3 http.Handler) { s3.ServeHTTP(w, r) }

// answer is a refusal: nothing is stored.
func answer(status int, code string) fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
	}
}

// lost stores the object, and drops the connection in place of an answer.
func lost(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
	s3.ServeHTTP(httptest.NewRecorder(), r)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// liar stores the object, and answers that it could not.
func liar(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
	s3.ServeHTTP(httptest.NewRecorder(), r)
	answer(500, "InternalError")(w, r, s3)
}

// guarded refuses to complete an upload where an object stands, as S3 does and gofakes3 does not.
func guarded(s3 http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kind(r) == "complete" && r.Header.Get("If-None-Match") == "*" {
			head := httptest.NewRecorder()
			s3.ServeHTTP(head, httptest.NewRequest(http.MethodHead, r.URL.Path, nil))
			if head.Code == http.StatusOK {
				answer(412, "PreconditionFailed")(w, r, nil)
				return
			}
		}
		s3.ServeHTTP(w, r)
	})
}

// faults is an S3 with faults to come.
func faults(t *testing.T) (*faulty, aws.Config) {
	credentials(t, "key", "secret")
	silent := gofakes3.WithLogger(gofakes3.StdLog(log.New(io.Discard, "", 0)))
	f := &faulty{Handler: guarded(gofakes3.New(s3mem.New(), silent).Server()), faults: map[string][]fault{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, aws.Config{Endpoint: server.URL, PathStyle: true}
}
