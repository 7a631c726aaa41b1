package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// receiver keeps what is PUT, the headers with it, and replaces nothing.
type receiver struct {
	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	body   []byte
	header http.Header
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := strings.TrimPrefix(req.URL.Path, "/")
	if stands, ok := r.objects[name]; ok {
		maps.Copy(w.Header(), stands.header)
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	r.objects[name] = object{body, req.Header}
}

func (r *receiver) files() map[string][]byte {
	all := map[string][]byte{}
	for name, o := range r.objects {
		all[name] = o.body
	}
	return all
}

func TestPromises(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Place {
		r := &receiver{objects: map[string]object{}}
		server := httptest.NewServer(r)
		t.Cleanup(server.Close)
		return sinktest.Place{
			Sink: func() sink.Sink {
				s, err := newSink(config{URL: server.URL, Timeout: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				return s
			},
			Files:  r.files,
			Plant:  func(name, content string) { r.objects[name] = object{body: []byte(content)} },
			Remove: func(name string) { delete(r.objects, name) },
		}
	})
}
