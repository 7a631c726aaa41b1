package glue

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/penstock/penstock/aws"
)

// service plays Glue: one crawler, whose crawls take a while. It is called without a network, so that time can be played too.
type service struct {
	takes  time.Duration
	ahead  time.Duration // its clock is, of ours
	absent bool          // there is no crawler
	fails  bool          // crawls do
	broken bool

	mu       sync.Mutex
	next     map[string][]string // errors to answer an operation's next calls with
	asked    []string
	requests map[string]map[string]any // the last of each operation
	crawls   []crawlTimes
}

type crawlTimes struct{ began, ends time.Time }

func newService(t *testing.T, takes time.Duration) *service {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	return &service{takes: takes, next: map[string][]string{}, requests: map[string]map[string]any{}}
}

// Do makes it an HTTP client of the SDK.
func (s *service) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

func (s *service) now() time.Time { return time.Now().Add(s.ahead) }

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.")
	var in map[string]any
	json.NewDecoder(r.Body).Decode(&in)
	s.asked, s.requests[asked] = append(s.asked, asked), in
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	answer, code := s.answer(asked, in)
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"__type": code, "Message": "so it is"}
	}
	json.NewEncoder(w).Encode(answer)
}

func (s *service) answer(asked string, in map[string]any) (answer any, code string) {
	if next := s.next[asked]; len(next) > 0 {
		s.next[asked] = next[1:]
		return nil, next[0]
	}
	switch {
	case s.broken:
		return nil, "InvalidInputException"
	case asked == "CreateDatabase":
	case asked == "CreateCrawler":
		s.absent = false
	case s.absent:
		return nil, "EntityNotFoundException"
	case asked == "StartCrawler":
		if n := len(s.crawls); n > 0 && s.now().Before(s.crawls[n-1].ends) {
			return nil, "CrawlerRunningException"
		}
		s.crawls = append(s.crawls, crawlTimes{s.now(), s.now().Add(s.takes)})
	case asked == "ListCrawls":
		return map[string]any{"Crawls": s.history(in)}, ""
	}
	return struct{}{}, ""
}

// history is the crawls as the filter on their start wants them, the oldest first.
func (s *service) history(in map[string]any) (all []any) {
	filter := in["Filters"].([]any)[0].(map[string]any)
	least, err := strconv.ParseInt(filter["FieldValue"].(string), 10, 64)
	if filter["FieldName"] != "START_TIME" || filter["FilterOperator"] != "GE" || err != nil {
		panic(filter)
	}
	for i, c := range s.crawls {
		if c.began.UnixMilli() < least {
			continue
		}
		crawl := map[string]any{"CrawlId": strconv.Itoa(i), "StartTime": float64(c.began.UnixMilli()) / 1000, "State": "RUNNING"}
		if !s.now().Before(c.ends) {
			crawl["EndTime"], crawl["State"] = float64(c.ends.UnixMilli())/1000, "COMPLETED"
			crawl["Summary"] = `{"TABLE":{"UPDATE":{"Count":1,"Details":"{}"}},"PARTITION":{"ADD":{"Count":12}}}`
			if s.fails {
				crawl["State"], crawl["ErrorMessage"], crawl["LogStream"] = "FAILED", "no such folder", "stock"
			}
		}
		all = append(all, crawl)
	}
	return all
}

func (s *service) count(operation string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, asked := range s.asked {
		if asked == operation {
			n++
		}
	}
	return n
}

// worker is the hook of one worker; change is what its options say otherwise.
func (s *service) worker(t *testing.T, change func(*Config)) *crawler {
	t.Helper()
	c := Defaults()
	c.Config, c.Crawler, c.AtMostEvery = aws.Config{Region: "us-east-1"}, "stock", 0
	if change != nil {
		change(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	h.(*crawler).options = []func(*sdk.Options){func(o *sdk.Options) { o.HTTPClient = s }}
	return h.(*crawler)
}

// covered fails unless a crawl began after each time, by our clock.
func (s *service) covered(t *testing.T, visible ...time.Time) {
	t.Helper()
	for _, at := range visible {
		if !slices.ContainsFunc(s.crawls, func(c crawlTimes) bool { return !c.began.Add(-s.ahead).Before(at) }) {
			t.Errorf("no crawl passed by what was visible at %v, only %v", at, s.crawls)
		}
	}
}
