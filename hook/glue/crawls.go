package glue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// sight is what one look at a crawler's crawls has shown.
type sight struct {
	newest  types.CrawlerHistory // by its start; zero when there is none
	running bool
	asked   time.Time // before the question left, by our clock
	clock   time.Time // when it was answered, by Glue's clock, in whole seconds; zero when Glue did not say
}

// look asks for the crawls that can matter to what became visible at since, and to how often there may be one.
func (c *crawler) look(ctx context.Context, since time.Time) (sight, error) {
	s := sight{asked: time.Now()}
	from := s.asked.Add(-c.AtMostEvery)
	if since.Before(from) {
		from = since
	}
	from = from.Add(-time.Hour) // our clock may be ahead
	got, err := c.client.ListCrawls(ctx, &sdk.ListCrawlsInput{
		CrawlerName: &c.Crawler, MaxResults: sdkaws.Int32(100),
		Filters: []types.CrawlsFilter{{
			FieldName: types.FieldNameStartTime, FilterOperator: types.FilterOperatorGe,
			FieldValue: sdkaws.String(strconv.FormatInt(from.UnixMilli(), 10)),
		}},
	})
	if err != nil {
		return s, err
	}
	s.clock, _ = middleware.GetServerTime(got.ResultMetadata)
	for _, crawl := range got.Crawls {
		s.running = s.running || crawl.State == types.CrawlerHistoryStateRunning
		if began(crawl).After(began(s.newest)) {
			s.newest = crawl
		}
	}
	return s, nil
}

func began(c types.CrawlerHistory) time.Time { return sdkaws.ToTime(c.StartTime) }

func (s sight) id() string { return sdkaws.ToString(s.newest.CrawlId) }

func (s sight) failed() bool {
	return s.newest.State == types.CrawlerHistoryStateFailed || s.newest.State == types.CrawlerHistoryStateStopped
}

// margin is for what Glue may round, and for its machines' clocks among each other.
const margin = time.Second

// covers tells whether the newest crawl surely began after since, a time by our clock, which may be wrong: what is compared are
// times of Glue's clock. Our clock says only how long ago since was when we asked. A doubt means no, and costs a crawl.
func (s sight) covers(since time.Time) bool {
	if s.clock.IsZero() || s.id() == "" || s.failed() {
		return false
	}
	latest := s.clock.Add(time.Second).Add(-s.asked.Sub(since))
	return !began(s.newest).Before(latest.Add(margin))
}

// rest is how long no crawl may begin, when there is to be one in every at most.
func (s sight) rest(every time.Duration) time.Duration {
	now := s.clock
	switch {
	case every == 0:
		return 0
	case now.IsZero():
		now = time.Now()
	}
	return began(s.newest).Add(every).Sub(now)
}

// added says what the newest crawl changed in the catalog.
func (s sight) added() string {
	took := ""
	if s.newest.EndTime != nil && s.newest.StartTime != nil {
		took = fmt.Sprintf(" after %v", s.newest.EndTime.Sub(*s.newest.StartTime).Round(time.Second))
	}
	return fmt.Sprintf("crawl ended%s: %s", took, changes(sdkaws.ToString(s.newest.Summary)))
}

// changes makes "partition add 12, table update 1" of a crawl's summary, and shows one of another form as it is.
func changes(summary string) string {
	if summary == "" {
		return "nothing is new"
	}
	var by map[string]map[string]struct{ Count int }
	if err := json.Unmarshal([]byte(summary), &by); err != nil {
		return summary[:min(len(summary), 200)]
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(by)) {
		for _, what := range slices.Sorted(maps.Keys(by[kind])) {
			all = append(all, fmt.Sprintf("%s %s %d", strings.ToLower(kind), strings.ToLower(what), by[kind][what].Count))
		}
	}
	return cmp.Or(strings.Join(all, ", "), "nothing is new")
}

func text(s *string, otherwise string) string { return cmp.Or(sdkaws.ToString(s), otherwise) }
