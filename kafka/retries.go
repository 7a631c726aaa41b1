package kafka

import (
	"context"
	"time"
)

// retries are the attempts of something that is asked for a partition as long as that is ours.
type retries struct {
	p     *Partition
	wait  time.Duration
	began time.Time // of the first that failed
	told  bool
}

// What fails is at first what a rebalance or a new coordinator brings about, and passes.
const (
	longestPause = time.Second
	passesIn     = 5 * time.Second
)

// pause comes between an attempt that failed and the next.
func (r *retries) pause(ctx context.Context, err error) error {
	if r.began.IsZero() {
		r.began = time.Now()
	}
	r.wait = min(max(2*r.wait, firstPause), longestPause)
	pause := jittered(r.wait)
	r.p.group.client.log("kafka", "asked again", err.Error())
	if r.p.group.Retried != nil && time.Since(r.began) >= passesIn {
		r.told = true
		r.p.group.Retried(r.p, err, pause)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// over gives the last attempt's error.
func (r *retries) over(err error) error {
	if r.told {
		r.p.group.Retried(r.p, err, 0)
	}
	return err
}
