package cmd

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/penstock/penstock/worker"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// How often progress is looked at on a terminal, and written down elsewhere.
const (
	glanceTime = 200 * time.Millisecond
	reportTime = 10 * time.Second
)

// screen is where a command says how it goes: on a terminal it shows bars, above which everything written to it comes to stand.
type screen struct {
	out io.Writer

	mu   sync.Mutex
	bars *mpb.Progress // nil where out is no terminal, and once the screen is closed
	each map[string]*bar
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out, each: map[string]*bar{}}
	if isTerminal(out) {
		s.bars = mpb.New(mpb.WithOutput(out), mpb.WithWidth(30), mpb.WithRefreshRate(glanceTime))
	}
	return s
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bars == nil {
		return s.out.Write(b)
	}
	return s.bars.Write(b)
}

// close leaves the bars standing as they are. What is written afterwards follows them.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bars == nil {
		return
	}
	for _, b := range s.each {
		b.Abort(false)
	}
	s.bars.Wait()
	s.bars = nil
}

// follow shows how the connectors get on until stop, which also closes the screen: on a terminal a bar for each, elsewhere a line of
// the log for each, so often.
func (s *screen) follow(w *worker.Worker, log *slog.Logger, often time.Duration) (stop func()) {
	look := (&lines{log, map[string]*speed{}}).look
	if s.bars != nil {
		look, often = s.look, glanceTime
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(often)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				look(w.Progress())
			case <-over:
				if s.bars != nil {
					look(w.Progress())
				}
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(over); <-ended; s.close() })
}

// bar is one connector on a terminal.
type bar struct {
	*mpb.Bar
	speed speed

	mu   sync.Mutex
	text string
}

func (s *screen) look(all []worker.Progress) {
	for _, p := range all {
		b := s.each[p.Name]
		if b == nil {
			b = &bar{}
			b.Bar = s.bars.New(0, barStyle(), mpb.BarPriority(len(s.each)),
				mpb.PrependDecorators(decor.Name(p.Name, decor.WCSyncSpaceR)),
				mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
					b.mu.Lock()
					defer b.mu.Unlock()
					return b.text
				})))
			s.each[p.Name] = b
		}
		b.show(p)
	}
}

func barStyle() mpb.BarStyleComposer {
	style := mpb.BarStyle()
	if os.Getenv("NO_COLOR") != "" {
		return style
	}
	green := func(s string) string {
		if s == "" {
			return s
		}
		return "\x1b[32m" + s + "\x1b[0m"
	}
	return style.FillerMeta(green).TipMeta(green)
}

func (b *bar) show(p worker.Progress) {
	done, total := p.Done, p.Total
	text := fmt.Sprintf(" %s  %s rows/s", count(p.Rows, "row"), humanize.Comma(b.speed.of(p.Rows, time.Now())))
	if !p.Source {
		done, total = p.Rows, p.Rows+p.Lag
		text = fmt.Sprintf(" lag %s  %s  %s  %s", humanize.Comma(p.Lag), count(p.Rows, "row"), count(p.Files, "file"), humanize.IBytes(uint64(p.Bytes)))
	}
	b.mu.Lock()
	b.text = text
	b.mu.Unlock()
	b.SetTotal(max(total, 1), false)
	b.SetCurrent(min(done, total))
}

// speed is rows a second, over a second or more; in the first second, over what there is of it.
type speed struct {
	at    time.Time
	rows  int64
	last  int64
	known bool
}

func (s *speed) of(rows int64, now time.Time) int64 {
	switch since := now.Sub(s.at); {
	case s.at.IsZero():
		s.at, s.rows = now, rows
	case since >= time.Second:
		s.known = true
		s.last = int64(float64(rows-s.rows) / since.Seconds())
		s.at, s.rows = now, rows
	case !s.known:
		s.last = int64(float64(rows-s.rows) / since.Seconds())
	}
	return s.last
}

// lines is progress in a log.
type lines struct {
	log   *slog.Logger
	speed map[string]*speed
}

func (l *lines) look(all []worker.Progress) {
	for _, p := range all {
		if l.speed[p.Name] == nil {
			l.speed[p.Name] = &speed{}
		}
		said := []any{"connector", p.Name, "rows", p.Rows, "rows_per_second", l.speed[p.Name].of(p.Rows, time.Now())}
		switch {
		case !p.Source:
			said = append(said, "lag", p.Lag, "files", p.Files, "bytes", p.Bytes)
		case p.Total > 0:
			said = append(said, "percent", 100*p.Done/p.Total)
		}
		l.log.Info("progress", said...)
	}
}
