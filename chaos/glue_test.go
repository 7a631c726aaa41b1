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

// theCrawler is the one that most tests have.
const theCrawler = "c"

// crawler answers as Glue does, once it is let, for crawlers of any name: a crawl takes a while, and no other of its name begins meanwhile.
type crawler struct {
	url   string
	busy  atomic.Bool   // calls are not answered
	takes time.Duration // of a crawl; set before the first call

	mu    sync.Mutex
	began map[string][]time.Time
}

func newCrawler(t *testing.T) *crawler {
	c := &crawler{began: map[string][]time.Time{}}
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
	var asked struct{ Name, CrawlerName string }
	_ = json.NewDecoder(r.Body).Decode(&asked) // of a worker that may be dead
	name := asked.Name + asked.CrawlerName
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var answer any = struct{}{}
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.") {
	case "ListCrawls":
		answer = map[string]any{"Crawls": c.history(name)}
	case "StartCrawler":
		if began := c.began[name]; len(began) > 0 && time.Since(began[len(began)-1]) < c.takes {
			w.WriteHeader(http.StatusBadRequest)
			answer = map[string]string{"__type": "CrawlerRunningException", "Message": "it runs"}
		} else {
			c.began[name] = append(c.began[name], time.Now())
		}
	}
	_ = json.NewEncoder(w).Encode(answer) // to a worker that may be dead
}

// history is all crawls of a name, the newest first.
func (c *crawler) history(name string) []any {
	all := []any{}
	for i, began := range c.began[name] {
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
func (c *crawler) start(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began[name] = append(c.began[name], time.Now())
}

// crawls is when each of theCrawler's was started.
func (c *crawler) crawls() []time.Time { return c.crawlsOf(theCrawler) }

func (c *crawler) crawlsOf(name string) []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.began[name])
}
