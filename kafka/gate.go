package kafka

import (
	"context"
	"errors"
	"sync"
)

// ErrGone says that a partition is no longer this process's: its new owner goes on from the last committed offset.
var ErrGone = errors.New("the partition has moved to another worker")

// gate stands before everything that a partition's owner does to the outside: commits and writes. Once closed it stays closed,
// and close returns only when no effect is under way any more.
type gate struct {
	mu     sync.RWMutex
	closed bool
	ours   func() bool // whether the group still knows us as it did when the gate was opened
}

// do runs one effect if the gate is open, and holds it open until the effect has ended.
func (g *gate) do(ctx context.Context, effect func(context.Context) error) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if g.closed || !g.ours() {
		return ErrGone
	}
	return effect(ctx)
}

func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
}

// open tells whether effects are still let through.
func (g *gate) open() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return !g.closed && g.ours()
}
