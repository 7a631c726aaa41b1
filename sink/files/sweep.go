package files

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"
)

const (
	sweepEvery = time.Hour
	sweepTime  = 10 * time.Second
)

// sweep has the store end uploads that an earlier process left of files of the partitions that are open here: once an hour, since
// they have to be old. A flush that has made its files is never failed by it.
func (e *engine) sweep(ctx context.Context) {
	s, ok := e.store.(Sweeper)
	if !ok || !e.sweepDue() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	if err := s.Sweep(ctx, e.Prefix+e.Path.stem(), e.ours); err != nil {
		e.warn(fmt.Errorf("uploads that were left over could not be ended: %w", err))
	}
}

func (e *engine) sweepDue() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	due := time.Since(e.swept) >= sweepEvery
	if due {
		e.swept = time.Now()
	}
	return due
}

// ours tells whether a name is one that an open Writer would give a file.
func (e *engine) ours(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for w := range e.writers {
		first, ok := strings.CutPrefix(path.Base(name), stem(&w.claim))
		first, ends := strings.CutSuffix(first, e.Format.Ext())
		if _, number := digits(first); ok && ends && number && len(first) == 20 {
			return true
		}
	}
	return false
}

// mostWarnings are kept until somebody asks.
const mostWarnings = 16

// warn keeps what should be known.
func (e *engine) warn(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.warnings) < mostWarnings {
		e.warnings = append(e.warnings, err)
	}
}

// Warnings is of sink.Warner.
func (e *engine) Warnings() []error {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.warnings
	e.warnings = nil
	return all
}
