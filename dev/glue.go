package dev

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// crawlTime is how long a crawl runs: long enough to be met while it does.
const crawlTime = time.Second

// crawlers plays AWS Glue's crawlers: every name is one. It keeps what it was asked for in a file.
type crawlers struct {
	path string
	mu   sync.Mutex
	kept map[string]*crawler
}

type crawler struct {
	Crawls  int       `json:"crawls"`
	Started time.Time `json:"started"`
}

func (c *crawler) running() bool { return time.Since(c.Started) < crawlTime }

func newGlue(path string) (*crawlers, error) {
	g := &crawlers{path: path, kept: map[string]*crawler{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil
	}
	if err != nil {
		return nil, err
	}
	return g, json.Unmarshal(text, &g.kept)
}

func (g *crawlers) crawls(name string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.crawler(name).Crawls
}

func (g *crawlers) crawler(name string) *crawler {
	if c := g.kept[name]; c != nil {
		return c
	}
	return &crawler{}
}

// ServeHTTP speaks AWS JSON 1.1.
func (g *crawlers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, CrawlerName string }
	code, answer := "InvalidInputException", any(nil)
	if err := json.NewDecoder(r.Body).Decode(&in); err == nil && in.Name+in.CrawlerName != "" {
		g.mu.Lock()
		defer g.mu.Unlock()
		switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.") {
		case "StartCrawler":
			answer, code = struct{}{}, g.start(in.Name)
		case "ListCrawls":
			answer, code = map[string]any{"Crawls": g.crawler(in.CrawlerName).history()}, ""
		default:
			code = "UnknownOperationException"
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"__type": code, "Message": "embedded glue: " + code}
	}
	json.NewEncoder(w).Encode(answer)
}

// start gives the code of the error, if any.
func (g *crawlers) start(name string) (code string) {
	c := g.crawler(name)
	if c.running() {
		return "CrawlerRunningException"
	}
	g.kept[name] = &crawler{Crawls: c.Crawls + 1, Started: time.Now().UTC()}
	text, err := json.MarshalIndent(g.kept, "", "  ")
	if err == nil {
		err = os.WriteFile(g.path+".new", append(text, '\n'), 0o644)
	}
	if err == nil {
		err = os.Rename(g.path+".new", g.path)
	}
	if err != nil {
		g.kept[name] = c
		return "InternalServiceException"
	}
	return ""
}

// history is the last crawl, if there was one.
func (c *crawler) history() []any {
	if c.Crawls == 0 {
		return nil
	}
	crawl := map[string]any{"CrawlId": strconv.Itoa(c.Crawls), "StartTime": seconds(c.Started), "State": "RUNNING"}
	if !c.running() {
		crawl["State"], crawl["EndTime"] = "COMPLETED", seconds(c.Started.Add(crawlTime))
	}
	return []any{crawl}
}

// seconds is how AWS JSON writes a time.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
