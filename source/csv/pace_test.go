package csv

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock/penstock/plugin"
)

// Rows come at the rate, never more than 100 ms of them in a page, nor a burst at the start; a stall is caught up with.
func TestRate(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 15, 1000, 50_000, 99_999, 500_000} {
		t.Run(strconv.FormatFloat(rate, 'f', -1, 64), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, total, start := newPace(plugin.Rate(rate)), 0, time.Now()
				if float64(p.pageRows()) > max(1, rate/10) {
					t.Fatalf("%d rows in a page", p.pageRows())
				}
				for total < int(10*rate)+10 {
					if err := p.wait(t.Context(), p.pageRows()); err != nil {
						t.Fatal(err)
					}
					total += p.pageRows()
					due := float64(total-p.pageRows()) / rate
					if took := time.Since(start).Seconds(); math.Abs(took-due) > 0.001 {
						t.Fatalf("%d rows after %v s, due after %v", total, took, due)
					}
				}
				time.Sleep(time.Second / 2)
				stalled := time.Now()
				for n := p.pageRows(); n <= int(rate/2); n += p.pageRows() {
					p.wait(t.Context(), p.pageRows())
				}
				if took := time.Since(stalled); rate >= 10 && took > time.Second/100 {
					t.Errorf("half a second of rows took %v to catch up", took)
				}
			})
		})
	}
}

func TestRateOfAFile(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": "a\n" + strings.Repeat("1\n", 500), "g.csv": "a\n" + strings.Repeat("1\n", 500)})
	src := open(t, dir+"/*.csv", func(c *Config) { c.Rate = 2000 })
	start := time.Now()
	for _, split := range []string{"f.csv", "g.csv"} {
		if r := read(t.Context(), src, split, nil); r.err != nil || len(r.rows) != 500 || r.pages != 3 {
			t.Fatalf("%d rows in %d pages, %v", len(r.rows), r.pages, r.err)
		}
	}
	if took := time.Since(start); took < 390*time.Millisecond || took > 2*time.Second {
		t.Errorf("1000 rows at 2000/s took %v", took)
	}
}

func TestContextEndsTheWait(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": "a\n1\n2\n3\n"})
	src := open(t, dir+"/*.csv", func(c *Config) { c.Rate = 0.001 })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if r := read(ctx, src, "f.csv", nil); !errors.Is(r.err, context.Canceled) || len(r.rows) != 1 {
		t.Errorf("%d rows, %v", len(r.rows), r.err)
	}
}

// The rate on a real clock, through a real file: rows between the first page and the last, by the time between them.
func TestRateReally(t *testing.T) {
	lasts := 10 * time.Second
	if testing.Short() {
		lasts = 2 * time.Second
	}
	dir := write(t, map[string]string{"f.csv": mixed(5000)})
	for _, rate := range []plugin.Rate{1000, 50_000} {
		t.Run(strconv.Itoa(int(rate)), func(t *testing.T) {
			t.Parallel()
			src := open(t, dir+"/f.csv", func(c *Config) { c.Delimiter, c.Rate, c.Repeat = ";", rate, forever })
			var first, last time.Time
			rows := 0
			for p, err := range src.Read(t.Context(), "f.csv", nil) {
				if last = time.Now(); err != nil {
					t.Fatal(err)
				}
				if first.IsZero() {
					first = last
					continue
				}
				if rows += len(p.Records); last.Sub(first) >= lasts {
					break
				}
			}
			got := float64(rows) / last.Sub(first).Seconds()
			t.Logf("%.0f rows/s over %v", got, last.Sub(first))
			if math.Abs(got/float64(rate)-1) > 0.02 {
				t.Errorf("%.1f rows/s, %.2f %% off", got, 100*(got/float64(rate)-1))
			}
		})
	}
}
