package files

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/penstock/penstock/sink"
)

// early looks, before anything of the interval is made, for files of ours that begin within it, before the first rows of their paths.
// They tell that it stands already where the anchor cannot, since what was its first row has been compacted away.
func (f *flush) early(ctx context.Context) error {
	if !f.doubted {
		return nil
	}
	var group errgroup.Group
	var mu sync.Mutex
	var first *sink.Conflict
	group.SetLimit(cap(f.engine.slots))
	for i := range f.parts {
		group.Go(func() error {
			found, err := f.before(ctx, &f.parts[i])
			mu.Lock()
			defer mu.Unlock()
			if found != nil && (first == nil || found.End < first.End) {
				first = found
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if first != nil {
		return first
	}
	f.doubted = false
	return nil
}

// before looks for the first such file of one path.
func (f *flush) before(ctx context.Context, p *pending) (found *sink.Conflict, err error) {
	if err := in(ctx, f.engine.slots); err != nil {
		return nil, err
	}
	defer func() { <-f.engine.slots }()
	err = f.within(ctx, p, p.first, func(name string) (bool, error) {
		meta, _, err := f.engine.store.Stat(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		is, why := f.claim.Read(texts(meta))
		switch {
		case why != "" || is.From < f.from:
			return false, nil
		case is.From == f.from:
			found = &sink.Conflict{Name: name, End: is.Until, Layout: is.Layout, Schema: is.Schema}
		default: // nothing is left of the rows before its interval
			found = &sink.Conflict{Name: name, End: is.From, Layout: f.claim.Layout, Schema: f.plan.file.Version}
		}
		return true, nil
	})
	return found, err
}
