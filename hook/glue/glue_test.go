package glue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/hook/hooktest"
	"github.com/penstock/penstock/plugin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHook(t *testing.T) {
	for name, wait := range map[string]bool{"start": false, "wait": true} {
		t.Run(name, func(t *testing.T) {
			hooktest.Run(t, func(t *testing.T) hooktest.Place {
				s := newService(t, 10*time.Millisecond)
				return hooktest.Place{
					Hook: func() hook.Hook {
						return s.worker(t, func(c *Config) { c.Wait, c.Poll = wait, 2*time.Millisecond })
					},
					Runs:  func() int { return len(s.crawls) },
					Break: func(broken bool) { s.broken = broken },
				}
			})
		})
	}
}

// told tells h of what is visible now, in time that is played.
func told(t *testing.T, h hook.Hook) time.Time {
	t.Helper()
	e := hooktest.Event(1)
	if err := hooktest.Tell(t.Context(), h, e); err != nil {
		t.Error(err)
	}
	return e.Time
}

func TestErrors(t *testing.T) {
	throttled := slices.Repeat([]string{"ThrottlingException"}, tries)
	for _, tt := range []struct {
		name, operation string
		answers         []string
		want            string
	}{
		{"no crawler", "StartCrawler", []string{"EntityNotFoundException"}, "make the crawler in this account"},
		{"no crawls yet", "ListCrawls", []string{"EntityNotFoundException"}, ""},
		{"no right to look", "ListCrawls", []string{"AccessDeniedException"}, "AccessDeniedException: so it is; allow glue:ListCrawls"},
		{"no right to start", "StartCrawler", []string{"AccessDeniedException"}, "allow glue:StartCrawler"},
		{"throttled for a moment", "StartCrawler", throttled[1:], ""},
		{"throttled for a moment, looking", "ListCrawls", throttled[1:], ""},
		{"throttled", "StartCrawler", throttled, "ThrottlingException: so it is; it is tried again later"},
		{"ready, but not quite", "StartCrawler", []string{"CrawlerRunningException", "CrawlerStoppingException", "SchedulerTransitioningException"}, ""},
		{"something else", "StartCrawler", []string{"InvalidInputException"}, "InvalidInputException: so it is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newService(t, time.Minute)
			synctest.Test(t, func(t *testing.T) {
				s.next[tt.operation] = tt.answers
				h := s.worker(t, nil)
				err := hooktest.Tell(t.Context(), h, hooktest.Event(1))
				if tt.want == "" && (err != nil || len(s.crawls) != 1) {
					t.Errorf("%v, %d crawls", err, len(s.crawls))
				}
				if tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), `glue: crawler "stock": `) || !strings.Contains(err.Error(), tt.want)) {
					t.Error(err)
				}
				if told(t, h); len(s.crawls) == 0 {
					t.Error("it did not go on")
				}
			})
		})
	}
}

// What is flushed while a crawl runs may lie where that has passed by already.
func TestNextBeginsWhenTheLastHasEnded(t *testing.T) {
	s := newService(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		h := s.worker(t, nil)
		first := told(t, h)
		time.Sleep(time.Second)
		second := told(t, h)
		if len(s.crawls) != 2 || s.crawls[1].began.Before(s.crawls[0].ends) {
			t.Errorf("%v", s.crawls)
		}
		s.covered(t, first, second)
		if n := s.count("StartCrawler"); n != 2 {
			t.Errorf("it was asked to start %d times", n)
		}
	})
}

func TestAtMostEvery(t *testing.T) {
	s := newService(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		var all []time.Time
		change := func(c *Config) { c.AtMostEvery = 15 * time.Minute }
		h := s.worker(t, change)
		for range 40 { // a flush a minute, or as soon as the hook has heard the last
			all = append(all, told(t, h))
			time.Sleep(time.Minute)
			h = s.worker(t, change) // the process began again: what it knew is gone
		}
		s.covered(t, all...)
		for i := range s.crawls[1:] {
			if gap := s.crawls[i+1].began.Sub(s.crawls[i].began); gap < 15*time.Minute || gap > 17*time.Minute {
				t.Errorf("a crawl began %v after the last", gap)
			}
		}
	})
}

func TestLater(t *testing.T) {
	s := newService(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		h := s.worker(t, func(c *Config) { c.AtMostEvery = 15 * time.Minute })
		began := told(t, h)
		time.Sleep(5 * time.Minute)
		var later *hook.Later
		err := h.Flushed(t.Context(), hooktest.Event(1))
		if !errors.As(err, &later) || later.At.Sub(began) < 15*time.Minute || later.At.Sub(began) > 15*time.Minute+time.Second {
			t.Error(err)
		}
	})
}

// TestLaterIsNotAtOnce: in the last moments of the time between two crawls Glue is not asked again and again.
func TestLaterIsNotAtOnce(t *testing.T) {
	s := newService(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		h := s.worker(t, func(c *Config) { c.AtMostEvery = 15 * time.Minute })
		began := told(t, h)
		time.Sleep(time.Until(began.Add(15*time.Minute - 10*time.Millisecond)))
		var later *hook.Later
		if err := h.Flushed(t.Context(), hooktest.Event(1)); !errors.As(err, &later) || time.Until(later.At) < h.Poll/2 {
			t.Errorf("%v, in %v", err, time.Until(later.At))
		}
	})
}

// Ten workers flush at the same moment or one after another, whatever the clocks say: nobody's files are missed, and two crawls do.
func TestTenWorkers(t *testing.T) {
	for _, tt := range []struct{ apart, ahead, every time.Duration }{
		{0, 0, 0},
		{0, 0, 15 * time.Minute},
		{0, -time.Hour, 0},
		{700 * time.Millisecond, 0, 0},
		{700 * time.Millisecond, 0, 15 * time.Minute},
		{700 * time.Millisecond, time.Hour - time.Second, 15 * time.Minute},
	} {
		t.Run(fmt.Sprintf("%v apart, Glue ahead by %v, every %v", tt.apart, tt.ahead, tt.every), func(t *testing.T) {
			s := newService(t, time.Minute)
			s.ahead = tt.ahead
			synctest.Test(t, func(t *testing.T) {
				var all [10]time.Time
				var workers sync.WaitGroup
				for i := range all {
					h := s.worker(t, func(c *Config) { c.AtMostEvery = tt.every })
					workers.Go(func() {
						time.Sleep(time.Duration(i) * tt.apart)
						all[i] = told(t, h)
					})
				}
				workers.Wait()
				if s.covered(t, all[:]...); len(s.crawls) > 2 {
					t.Errorf("%d crawls: %v", len(s.crawls), s.crawls)
				}
			})
		})
	}
}

func TestWait(t *testing.T) {
	s := newService(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		wait := func(c *Config) { c.Wait = true }
		h, other := s.worker(t, wait), s.worker(t, wait)
		told(t, h)
		if want := `crawler "stock": crawl ended after 1m0s: partition add 12, table update 1`; h.Report() != want {
			t.Errorf("reports %q, not %q", h.Report(), want)
		}
		e := hooktest.Event(1)
		time.Sleep(10 * time.Second)
		told(t, h)
		if err := hooktest.Tell(t.Context(), other, e); err != nil || len(s.crawls) != 2 || other.Report() != h.Report() {
			t.Errorf("another's crawl: %v, %d crawls, %q", err, len(s.crawls), other.Report())
		}
	})
}

func TestFailedCrawl(t *testing.T) {
	s := newService(t, time.Minute)
	synctest.Test(t, func(t *testing.T) {
		s.fails = true
		h := s.worker(t, func(c *Config) { c.Wait = true })
		e := hooktest.Event(1)
		err := hooktest.Tell(t.Context(), h, e)
		if err == nil || !strings.Contains(err.Error(), `crawl 0 ended as FAILED: no such folder; look into /aws-glue/crawlers, stock`) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		s.fails = false
		if err := hooktest.Tell(t.Context(), h, e); err != nil || len(s.crawls) != 2 {
			t.Errorf("again: %v, %d crawls", err, len(s.crawls))
		}
	})
}

func TestContextEndsTheWait(t *testing.T) {
	s := newService(t, time.Hour)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		err := s.worker(t, func(c *Config) { c.Wait = true }).Flushed(ctx, hooktest.Event(1))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestConfig(t *testing.T) {
	r := plugin.New()
	plugin.Block(r, "aws", aws.Config{})
	plugin.Add(r, "glue", Defaults(), New)
	for _, tt := range []struct{ yaml, want string }{
		{"glue: stock", ""},
		{"glue: {crawler: stock, at_most_every: 15m, wait: true}", ""},
		{"glue: {crawler: stock, create: {database: stock, role: crawls, paths: ['s3://stock-lake/prices/']}}", ""},
		{"glue: {}", `missing option "crawler"`},
		{"glue: {crawler: stock, poll: 0s}", "poll: 0s is not a time to wait"},
		{"glue: {crawler: stock, at_most_every: -1m}", "at_most_every: -1m0s is not a time to wait"},
		{"glue: {crawler: stock, create: {database: stock, role: crawls}}", `missing option "paths"`},
		{"glue: {crawler: stock, create: {database: stock, role: crawls, paths: [stock-lake/prices]}}", `create.paths: "stock-lake/prices" is not a folder of S3`},
		{"glue: {crawler: stock, create: {database: stock, role: crawls, paths: ['s3://lake/{topic}/']}}", "up to the first partition folder"},
		{"glue: {crawler: stock, create: {database: stock, role: crawls, paths: ['s3://lake/'], recrawl: new}}", "recrawl"},
	} {
		var file struct {
			Hook hook.Hook `yaml:"hook"`
		}
		err := plugin.Decode(r, "connectors.yaml", []byte("aws: {region: us-east-1}\nhook: {"+tt.yaml+"}\n"), &file)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.yaml, err)
		}
	}
}

func TestNoRegion(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	h, err := New(Config{Crawler: "stock", Poll: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Flushed(t.Context(), hooktest.Event(1)); err == nil || !strings.Contains(err.Error(), "set region") {
		t.Errorf("without a region: %v", err)
	}
}
