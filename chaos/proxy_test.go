package chaos

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between the workers and an HTTP service and does to each request what it is told.
type proxy struct {
	url string

	mu    sync.Mutex
	fault func(*http.Request) fault
	free  chan struct{} // closed: requests that are held go on
	held  atomic.Int64
}

type fault int

const (
	pass  fault = iota
	hold        // the request waits before the service; one whose sender dies meanwhile never gets there
	lose        // the service does it, and the answer waits
	reset       // the connection breaks before the service
	away        // 503 in the place of the service
	late        // the service does it, and the connection breaks in the place of the answer
)

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	p := &proxy{free: make(chan struct{})}
	through := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		Transport:    transport,
		ErrorLog:     log.New(io.Discard, "", 0), // of senders that died
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(through, w, r) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	p.url = server.URL
	t.Cleanup(func() {
		p.release()
		server.CloseClientConnections()
		server.Close()
		transport.CloseIdleConnections()
	})
	return p
}

// set says what becomes of requests from now on; nil lets all pass.
func (p *proxy) set(f func(*http.Request) fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// release lets all pass, those too that are held.
func (p *proxy) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = nil
	close(p.free)
	p.free = make(chan struct{})
}

// idle tells whether no request is held.
func (p *proxy) idle() bool { return p.held.Load() == 0 }

func (p *proxy) judge(r *http.Request) (fault, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == nil {
		return pass, p.free
	}
	return p.fault(r), p.free
}

func (p *proxy) serve(through http.Handler, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // until then the server does not notice that a sender dies
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f, free := p.judge(r)
	wait := func() {
		p.held.Add(1)
		defer p.held.Add(-1)
		select {
		case <-free:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	switch f {
	case hold:
		wait()
	case lose, late:
		rec := httptest.NewRecorder()
		through.ServeHTTP(rec, r)
		if f == lose {
			wait()
		}
		panic(http.ErrAbortHandler)
	case reset:
		panic(http.ErrAbortHandler)
	case away:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	through.ServeHTTP(w, r)
}

// puts is a fault for the PUTs of keys that are meant, and lets all else pass.
func puts(f fault, meant func(key string) bool) func(*http.Request) fault {
	return func(r *http.Request) fault {
		if r.Method == http.MethodPut && meant(strings.TrimPrefix(r.URL.Path, "/")) {
			return f
		}
		return pass
	}
}
