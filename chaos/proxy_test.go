package chaos

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/penstock/penstock/parts"
)

// proxy stands between the workers and an HTTP service and does to each request what it is told.
type proxy struct {
	url string

	access parts.S3Access // who signs what a blind service gets

	mu    sync.Mutex
	fault func(*http.Request) fault
	free  chan struct{} // closed: requests that are held or slow go on
	held  atomic.Int64
}

type fault int

const (
	pass  fault = iota
	hold        // the request waits before the service; one whose sender dies meanwhile never gets there
	lose        // the service does it, and the answer waits
	reset       // the connection breaks before the service
	away        // 503 SlowDown in the place of the service
	late        // the service does it, and the connection breaks in the place of the answer
	fails       // 500 InternalError in the place of the service
	busy        // 429 in the place of the service
	slow        // a kilobyte a second, the request and then the answer
	lie         // 200 in the place of the service, with an error for a body: of what makes an object, as S3 does; of all else, as fails
	skew        // the service's clock goes an hour ahead: it refuses what is signed by another
	blind       // the service does it, and knows nothing of If-None-Match
	kinds       // the number of kinds
)

func (f fault) String() string {
	return [kinds]string{"pass", "hold", "lose", "reset", "away", "late", "fails", "busy", "slow", "lie", "skew", "blind"}[f]
}

// refusals are the answers in the place of the service.
var refusals = map[fault]struct {
	status int
	code   string
}{
	away:  {http.StatusServiceUnavailable, "SlowDown"},
	fails: {http.StatusInternalServerError, "InternalError"},
	busy:  {http.StatusTooManyRequests, "TooManyRequests"},
	lie:   {http.StatusOK, "InternalError"},
	skew:  {http.StatusForbidden, "RequestTimeTooSkewed"},
}

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
	wait := func(most <-chan time.Time) bool {
		p.held.Add(1)
		defer p.held.Add(-1)
		select {
		case <-free:
		case <-most:
		case <-r.Context().Done():
			return false
		}
		return true
	}
	need := func(is bool) {
		if !is {
			panic(http.ErrAbortHandler)
		}
	}
	switch f {
	case hold:
		need(wait(nil))
	case lose, late:
		rec := httptest.NewRecorder()
		through.ServeHTTP(rec, r)
		need(f == lose && wait(nil))
		panic(http.ErrAbortHandler)
	case reset:
		panic(http.ErrAbortHandler)
	case away, fails, busy, lie, skew:
		refuse(w, r, f)
		return
	case slow:
		s := slowly{w, wait}
		need(s.pass(len(body)))
		w = s
	case blind:
		p.forget(r)
	}
	through.ServeHTTP(w, r)
}

// refuse answers as S3 does, in the place of it.
func refuse(w http.ResponseWriter, r *http.Request, f fault) {
	makes := r.Method == http.MethodPut || r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
	if f == lie && !makes {
		f = fails
	}
	if f == skew {
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(refusals[f].status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>chaos</Message></Error>", refusals[f].code)
}

// slowly answers at a kilobyte a second.
type slowly struct {
	http.ResponseWriter
	wait func(most <-chan time.Time) bool
}

// pass takes as long as so many bytes take; false where nobody waits any more.
func (s slowly) pass(bytes int) bool {
	timer := time.NewTimer(time.Duration(bytes) * time.Second / 1000)
	defer timer.Stop()
	return s.wait(timer.C)
}

func (s slowly) Write(b []byte) (n int, err error) {
	for piece := range slices.Chunk(b, 100) {
		if !s.pass(len(piece)) {
			return n, io.ErrClosedPipe
		}
		m, err := s.ResponseWriter.Write(piece)
		if n += m; err != nil {
			return n, err
		}
		if err := http.NewResponseController(s.ResponseWriter).Flush(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// forget takes the condition out of the request, which has to be signed again then.
func (p *proxy) forget(r *http.Request) {
	if r.Header.Get("If-None-Match") == "" {
		return
	}
	r.Header.Del("If-None-Match")
	who := aws.Credentials{AccessKeyID: p.access.AccessKey, SecretAccessKey: p.access.SecretKey}
	if err := v4.NewSigner().SignHTTP(r.Context(), who, r, r.Header.Get("X-Amz-Content-Sha256"), "s3", p.access.Region, time.Now(),
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }); err != nil {
		panic(err)
	}
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
