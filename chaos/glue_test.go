package chaos

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crawler answers as Glue does, once it is let: a crawl takes a while, and no other begins meanwhile.
type crawler struct {
	url   string
	busy  atomic.Bool   // calls are not answered
	takes time.Duration // of a crawl; set before the first call

	mu    sync.Mutex
	began []time.Time
}

func newCrawler(t *testing.T) *crawler {
	c := &crawler{}
	server := httptest.NewServer(c)
	c.url = server.URL
	t.Cleanup(server.Close)
	return c
}

func (c *crawler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.busy.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var answer any = struct{}{}
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.") {
	case "ListCrawls":
		answer = map[string]any{"Crawls": c.history()}
	case "StartCrawler":
		if n := len(c.began); n > 0 && time.Since(c.began[n-1]) < c.takes {
			w.WriteHeader(http.StatusBadRequest)
			answer = map[string]string{"__type": "CrawlerRunningException", "Message": "it runs"}
		} else {
			c.began = append(c.began, time.Now())
		}
	}
	_ = json.NewEncoder(w).Encode(answer) // to a worker that may be dead
}

// history is all crawls, the newest first.
func (c *crawler) history() []any {
	all := []any{}
	for i, began := range c.began {
		crawl := map[string]any{"CrawlId": strconv.Itoa(i), "StartTime": float64(began.UnixMilli()) / 1000, "State": "RUNNING"}
		if end := began.Add(c.takes); time.Now().After(end) {
			crawl["EndTime"], crawl["State"] = float64(end.UnixMilli())/1000, "COMPLETED"
		}
		all = append(all, crawl)
	}
	slices.Reverse(all)
	return all
}

// start starts a crawl that no worker asked for.
func (c *crawler) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = append(c.began, time.Now())
}

// crawls is when each was started.
func (c *crawler) crawls() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.began)
}
