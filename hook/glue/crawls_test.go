package glue

import (
	"strings"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

func TestCovers(t *testing.T) {
	asked := time.Now()
	clock := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		age    time.Duration // of what became visible, when we asked
		start  time.Duration // of the crawl, after Glue's answer
		state  types.CrawlerHistoryState
		silent bool // Glue does not say what time it is
		want   bool
	}{
		{"long after", time.Minute, -10 * time.Second, types.CrawlerHistoryStateRunning, false, true},
		{"ended", time.Minute, -10 * time.Second, types.CrawlerHistoryStateCompleted, false, true},
		{"long before", time.Minute, -2 * time.Minute, types.CrawlerHistoryStateRunning, false, false},
		{"at the same time", time.Minute, -time.Minute, types.CrawlerHistoryStateRunning, false, false},
		{"a second of Glue's clock after", time.Minute, -59 * time.Second, types.CrawlerHistoryStateRunning, false, false},
		{"that and the margin", time.Minute, -58 * time.Second, types.CrawlerHistoryStateRunning, false, true},
		{"failed", time.Minute, -10 * time.Second, types.CrawlerHistoryStateFailed, false, false},
		{"stopped", time.Minute, -10 * time.Second, types.CrawlerHistoryStateStopped, false, false},
		{"no clock", time.Minute, -10 * time.Second, types.CrawlerHistoryStateRunning, true, false},
		{"visible after we asked", -time.Second, 0, types.CrawlerHistoryStateRunning, false, false},
	} {
		s := sight{asked: asked, clock: clock, newest: types.CrawlerHistory{
			CrawlId: sdkaws.String("1"), State: tt.state, StartTime: sdkaws.Time(clock.Add(tt.start)),
		}}
		if tt.silent {
			s.clock = time.Time{}
		}
		if got := s.covers(asked.Add(-tt.age)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if (sight{asked: asked, clock: clock}).covers(asked) {
		t.Error("no crawl covers something")
	}
}

func TestChanges(t *testing.T) {
	for summary, want := range map[string]string{
		"":                                "nothing is new",
		"{}":                              "nothing is new",
		`{"TABLE":{"ADD":{"Count":1}}}`:   "table add 1",
		"something in words":              "something in words",
		`{"TABLE":{"ADD":{"Count":"1"}}}`: `{"TABLE":{"ADD":{"Count":"1"}}}`,
		strings.Repeat("long ", 100):      strings.Repeat("long ", 40),
		`{"TABLE":{"DELETE":{"Count":2},"ADD":{"Count":1}},"PARTITION":{"UPDATE":{"Count":3,"Details":"x"}}}`: "partition update 3, table add 1, table delete 2",
	} {
		if got := changes(summary); got != want {
			t.Errorf("%s: %s", summary, got)
		}
	}
}
