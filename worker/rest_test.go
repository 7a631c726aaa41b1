package worker

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serving is the address of the pages of a worker that does not run.
func serving(t *testing.T) string {
	t.Helper()
	w, _ := begin(t, "\n  NAME-out: {topics: [NAME], sink: {local: {dir: DIR/out, path: all, format: json}}}\n")
	return pages(t, w)
}

// pages is the address of a worker's pages.
func pages(t *testing.T, w *Worker) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Serve(ctx, address) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if stop(); <-done != nil {
			t.Error("it failed to serve")
		}
	})
	eventually(t, "it listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return address
}

// Three pages can be read. Nothing else is there, and nothing can be changed.
func TestWhatListensIsReadOnly(t *testing.T) {
	address := serving(t)
	ask := func(method, path string, body io.Reader) int {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	for path, want := range map[string]int{"/health": 200, "/ready": 503, "/metrics": 200} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PROPFIND"} {
			want := want
			if method != "GET" && method != "HEAD" {
				want = http.StatusMethodNotAllowed
			}
			if got := ask(method, path, nil); got != want {
				t.Errorf("%s %s: %d, want %d", method, path, got, want)
			}
		}
		if got := ask("POST", path, strings.NewReader(strings.Repeat("x", 1<<20))); got != http.StatusMethodNotAllowed {
			t.Errorf("POST of a megabyte to %s: %d", path, got)
		}
	}
	for _, path := range []string{"/", "/debug/pprof/", "/debug/vars", "/health/", "/healthz", "/connectors", "/config", "/metrics/x", "/../health/..", "/favicon.ico"} {
		if got := ask("GET", path, nil); got != http.StatusNotFound && got != http.StatusMovedPermanently && got != http.StatusTemporaryRedirect {
			t.Errorf("GET %s: %d", path, got)
		}
	}
	for _, long := range []string{"/health?" + strings.Repeat("x", 64<<10), "/" + strings.Repeat("x", 64<<10)} {
		if got := ask("GET", long, nil); got != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("GET with a head of 64 KiB: %d", got)
		}
	}
}

// Somebody who does not come to the end of a request is hung up on.
func TestTheSlowAreHungUpOn(t *testing.T) {
	t.Parallel()
	address := serving(t)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	fmt.Fprint(c, "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	if err := c.SetReadDeadline(began.Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil || time.Since(began) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}
