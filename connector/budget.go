package connector

import (
	"context"
	"sync"
	"time"
)

// Budget is what all rows that the process holds may take together, in bytes. It is shared by every connector. From half of its room on
// the partition that holds most is asked to let go of some; at all of it, those wait that hold more than their share.
type Budget struct {
	Limit int64 // 0 is none

	mu       sync.Mutex
	total    int64
	reserved int64 // not for rows
	held     map[*PartitionStatus]int64
}

// What the clients of a sink take beside rows, and what is fetched ahead of each of its partitions and is on its way through, in bytes:
// about what docs/benchmarks.md shows of connectors and of partitions that become more.
const (
	PerSink      = 10 << 20
	PerPartition = 1 << 20
)

// reserve takes room from rows, of which half stays in any case, until the function that it gives is called.
func (b *Budget) reserve(n int64) (release func()) {
	add := func(n int64) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.reserved += n
	}
	add(n)
	return func() { add(-n) }
}

// Reserved is what is not for rows.
func (b *Budget) Reserved() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reserved
}

// room is what rows may take. Its caller holds mu.
func (b *Budget) room() int64 { return max(b.Limit/2, b.Limit-b.reserved) }

// Room is what rows may take as things are: Limit, without what else is held.
func (b *Budget) Room() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.room()
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
	if b.Limit > 0 && b.total > b.room()/2 {
		b.press()
	}
}

// press asks the partition that could let go of most to let go of some, unless one that was asked has not yet. What is on its way
// comes back by itself, or, while a store is away, not at all: others are not to wait for that. Where it is most of what is held, those
// that hold little are left alone: they would make small files, and help nobody.
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
	if most != nil && gives*int64(len(b.held)) >= b.room()/4 {
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
	return b.Limit > 0 && b.total > b.room() && b.held[p]*int64(len(b.held)) > b.room()/2
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
