package csv

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/penstock/penstock/plugin"
)

// pace holds back pages so that rows come at a rate. After a stall it catches up, by at most a second of rows. It is safe
// for concurrent use; nil is as fast as it goes.
type pace struct {
	rows  int // 100 ms of them, but at least one
	limit *rate.Limiter
	begin sync.Once
}

func newPace(r plugin.Rate) *pace {
	if r <= 0 {
		return nil
	}
	rows := max(1, int(r/10))
	return &pace{rows: rows, limit: rate.NewLimiter(rate.Limit(r), max(rows, int(math.Ceil(float64(r)))))}
}

// pageRows is how many rows a page may hold.
func (p *pace) pageRows() int {
	if p == nil {
		return math.MaxInt
	}
	return p.rows
}

// wait returns when n more rows are due, n being at most pageRows, or with ctx's error.
func (p *pace) wait(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil || p == nil {
		return err
	}
	now := time.Now()
	p.begin.Do(func() { p.limit.ReserveN(now, p.limit.Burst()-p.rows) })
	due := p.limit.ReserveN(now, n)
	delay := time.NewTimer(due.DelayFrom(now))
	defer delay.Stop()
	select {
	case <-delay.C:
		return nil
	case <-ctx.Done():
		due.Cancel()
		return ctx.Err()
	}
}
