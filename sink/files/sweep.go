package files

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/penstock/penstock/sink"
)

const (
	sweepEvery = time.Hour
	sweepTime  = 10 * time.Second
	oneTime    = 3 * time.Second // to sweep for one file: the partition may be waiting to be handed on
)

// sweep has the store end uploads that an earlier owner left of files of the partitions that are open here: after an interval that an
// earlier owner may have begun, and now and then. A flush that has made its files is never failed by it.
func (e *engine) sweep(ctx context.Context, redo bool) {
	s, ok := e.store.(Sweeper)
	if !ok || !e.sweepDue(redo) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	begins, _ := e.Path.stem("")
	if err := s.Sweep(ctx, e.Prefix+begins, func(name string) bool { return e.needless(ctx, name) }); err != nil {
		e.warn(fmt.Errorf("uploads that were left over could not be ended: %w", err))
	}
}

// sweepOf has the store end what other uploads there are of a file that stands: a process that died may have begun them, or the answer to
// our own beginning was lost.
func (e *engine) sweepOf(ctx context.Context, name string, size int64) {
	if s, ok := e.store.(Sweeper); ok && size > Uploaded {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), oneTime)
		defer cancel()
		_ = s.Sweep(ctx, name, func(other string) bool { return other == name }) // or a later sweep does, and says so
	}
}

func (e *engine) sweepDue(now bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	due := now || time.Since(e.swept) >= sweepEvery
	if due {
		e.swept = time.Now()
	}
	return due
}

// needless tells whether a name is one that an open Writer would give a file, and that file stands: then no upload of that name has
// anything left to do, whosever it is. Another connector's names may look like ours, as where a path begins with a column.
func (e *engine) needless(ctx context.Context, name string) bool {
	for _, c := range e.claims() {
		first, ok := strings.CutPrefix(path.Base(name), stem(&c))
		first, ends := strings.CutSuffix(first, e.Format.Ext())
		if _, number := digits(first); !ok || !ends || !number || len(first) != 20 {
			continue
		}
		meta, _, err := e.store.Stat(ctx, name)
		_, foreign := c.Read(texts(meta))
		return err == nil && foreign == ""
	}
	return false
}

// claims are those of the Writers that are open.
func (e *engine) claims() (all []sink.Claim) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for w := range e.writers {
		all = append(all, w.claim)
	}
	return all
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
