package files

import (
	"context"
	"errors"
	"io/fs"

	"github.com/penstock/penstock/sink"
)

// Probe looks for the interval's anchor.
func (f *flush) Probe(ctx context.Context) error {
	if len(f.parts) == 0 {
		return nil
	}
	if err := f.early(ctx); err != nil {
		return err
	}
	name := f.parts[0].name
	meta, _, err := f.engine.store.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	is, err := f.mark(&f.parts[0]).Judge(name, texts(meta))
	if err == nil {
		err = &sink.Conflict{Name: name, End: is.Until, Layout: is.Layout, Schema: is.Schema}
	}
	return err
}
