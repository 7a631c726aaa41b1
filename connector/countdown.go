package connector

import (
	"sync"
	"sync/atomic"
)

// countdown keeps a flag that says whether every partition that came to us has been read to its end, and at least one has come;
// and one that says so of all partitions there are.
type countdown struct {
	flag, whole *atomic.Bool
	all         int

	mu              sync.Mutex
	owned, finished int
}

func newCountdown(flag, whole *atomic.Bool, all int) *countdown {
	flag.Store(false)
	whole.Store(false)
	return &countdown{flag: flag, whole: whole, all: all}
}

// change counts partitions that come (or go, below zero), and those of them that have been read to the end.
func (c *countdown) change(owned, finished int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owned += owned
	c.finished += finished
	c.flag.Store(c.owned > 0 && c.finished == c.owned)
	c.whole.Store(c.owned == c.all && c.finished == c.owned)
}
