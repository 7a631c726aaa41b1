package connector

import (
	"context"
	"sync"
	"time"
)

// Budget is what all rows that the process holds may take together, in bytes. It is shared by every connector.
// From half of it on the partition that holds most is asked to let go of some; at it, those wait that hold more than their share.
type Budget struct {
	Limit int64

	mu    sync.Mutex
	total int64
	held  map[*PartitionStatus]int64
}

// set says what a partition holds.
func (b *Budget) set(p *PartitionStatus, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held == nil {
		b.held = map[*PartitionStatus]int64{}
	}
	b.total += n - b.held[p]
	b.held[p] = n
	if n == 0 {
		delete(b.held, p)
	}
	p.buffered.Store(n)
	if b.Limit > 0 && b.total > b.Limit/2 {
		b.press()
	}
}

// press asks the partition that could let go of most to let go of some, unless one that was asked has not yet. What is on its way
// comes back by itself, or, while a store is away, not at all: others are not to wait for that.
func (b *Budget) press() {
	var most *PartitionStatus
	var gives int64
	for p, n := range b.held {
		flying := p.flying.Load()
		switch {
		case !p.press.Load():
			if most == nil || n-flying > gives {
				most, gives = p, n-flying
			}
		case flying == 0:
			return
		}
	}
	if most != nil {
		most.press.Store(true)
		most.p.Wake()
	}
}

// pressed tells whether this partition was asked to let go of some.
func (b *Budget) pressed(p *PartitionStatus) bool { return p.press.Load() }

// over tells whether the partition has to wait. One that holds less than half its share has not: it may be that of a connector
// that is well, while another's store hangs and keeps the rest.
func (b *Budget) over(p *PartitionStatus) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Limit > 0 && b.total > b.Limit && b.held[p]*int64(len(b.held)) > b.Limit/2
}

// Held is what all partitions hold.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total
}

// wait lets others go first for a moment.
func (b *Budget) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Millisecond):
	}
}
