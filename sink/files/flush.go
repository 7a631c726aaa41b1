package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/penstock/penstock/sink"
)

// flush is one closed interval. It holds each path's rows until they are encoded, and the file until it is known to stand.
type flush struct {
	engine  *engine
	claim   sink.Claim
	plan    *plan
	from    int64
	until   int64
	redo    bool // an earlier run may have made some of its files
	doubted bool // what the group remembers may have gone backwards, and the row at its very first offset is gone
	parts   []pending
	rows    int64         // of all parts
	account *atomic.Int64 // of the Writer
	scratch *overflow     // rows that went out of memory
}

// pending is the file of one path.
type pending struct {
	*buffer
	name string
	body interface { // once it is encoded
		Body
		io.Closer
	}
	done bool
	file sink.File
}

// dir is the folder of a path, with the prefix.
func (e *engine) dir(path string) string {
	if path == "" {
		return e.Prefix
	}
	return e.Prefix + path + "/"
}

// stem is what the names of a partition's files begin with.
func stem(c *sink.Claim) string { return fmt.Sprintf("%s+%d+", visible(c.Topic), c.Partition) }

func (e *engine) name(c *sink.Claim, path string, first int64) string {
	return e.dir(path) + stem(c) + fmt.Sprintf("%020d", first) + e.Format.Ext()
}

// Commit makes the anchor alone, then the other files side by side. The anchor holds the interval's first row, so its name does
// not depend on where the interval ends: of two runs that cut differently one makes it, and the other is told of that.
func (f *flush) Commit(ctx context.Context) ([]sink.File, error) {
	if len(f.parts) == 0 {
		return nil, nil
	}
	if err := f.early(ctx); err != nil {
		return nil, err
	}
	if err := f.settle(ctx, &f.parts[0]); err != nil {
		return nil, err
	}
	if err := f.others(ctx); err != nil {
		return nil, err
	}
	f.engine.sweep(ctx, f.redo)
	made := make([]sink.File, len(f.parts))
	for i := range f.parts {
		made[i] = f.parts[i].file
	}
	_ = f.scratch.Close() // nobody needs it any more
	return made, nil
}

// others ends those under way before it reports the first error; what they made is kept. Each goroutine makes many files, so that
// its stack grows for the SDK once: with one for each file that was seen in profiles of a thousand.
func (f *flush) others(ctx context.Context) error {
	var group errgroup.Group
	var failed atomic.Bool
	var last atomic.Int64 // of the parts that are begun: the anchor's
	for range min(cap(f.engine.slots), len(f.parts)-1) {
		group.Go(func() error {
			for !failed.Load() {
				i := last.Add(1)
				if i >= int64(len(f.parts)) {
					return nil
				}
				if err := f.settle(ctx, &f.parts[i]); err != nil {
					failed.Store(true)
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// settle ends with the part's file standing, or an error.
func (f *flush) settle(ctx context.Context, p *pending) error {
	if p.done {
		return nil
	}
	if err := in(ctx, f.engine.slots); err != nil {
		return err
	}
	defer func() { <-f.engine.slots }()
	if f.redo {
		if err := f.find(ctx, p); err != nil {
			return err
		}
	}
	if !p.done {
		if err := f.make(ctx, p); err != nil {
			return err
		}
	}
	f.engine.sweepOf(ctx, p.file.Name, p.file.Bytes)
	return nil
}

// mark says what the part's file holds.
func (f *flush) mark(p *pending) sink.Mark {
	m := sink.Mark{Claim: f.claim, Schema: f.plan.file.Version, First: p.first, Rows: p.rows, Files: int64(len(f.parts)), Total: f.rows}
	m.From, m.Until = f.from, f.until
	if p.body != nil {
		m.Bytes, m.CRC32C = p.body.Size(), CRC32C(p.body.Sums(), p.body.Size())
	}
	return m
}

// finish lets go of the rows and the file.
func (f *flush) finish(p *pending, name string, is sink.Mark, size int64) {
	p.file = is.File(name, size)
	p.file.Path = p.path
	p.done = true
	p.drop()
}

func (p *pending) drop() {
	p.free()
	if p.body != nil {
		_ = p.body.Close() // nobody needs it any more
		p.body = nil
	}
}

// Close lets go of what was not made visible: another owner of the partition does that.
func (f *flush) Close() error {
	for i := range f.parts {
		f.parts[i].drop()
	}
	return f.scratch.Close()
}

// encode makes the file, once: where it has to be tried again it is not encoded again. The rows are in it then, and let go of, unless
// they are the file as they stand.
func (f *flush) encode(ctx context.Context, p *pending) error {
	if p.body != nil {
		return nil
	}
	e := f.engine
	if f.plan.line != nil {
		body, err := newRope(p.buffer, f.scratch)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		p.body = body
		return nil
	}
	body := &spool{pool: &e.pool, limit: spoolMemory, account: f.account, all: &e.spooled}
	rows := p.reader(f.plan, &f.claim, f.scratch)
	if err := e.coders.encode(ctx, e.Format, rows, body); err != nil {
		_ = body.Close()
		if rows.err == nil && body.failed == nil && ctx.Err() == nil { // neither a scratch file nor the clock is to blame
			return &sink.Unfit{Name: p.name, Err: err}
		}
		return fmt.Errorf("%s: encode: %w", p.name, err)
	}
	p.body = body
	p.free()
	return nil
}

// make encodes the file and creates it, and judges what it meets.
func (f *flush) make(ctx context.Context, p *pending) error {
	if err := f.encode(ctx, p); err != nil {
		return err
	}
	err := f.engine.store.Create(ctx, p.name, f.mark(p).Texts(), p.body)
	if err == nil {
		f.finish(p, p.name, f.mark(p), p.body.Size())
		return nil
	}
	if errors.Is(err, ErrDamaged) { // and says that it is ours
		return broken(p.name, err)
	}
	if ctx.Err() != nil {
		return err
	}
	return f.judge(ctx, p, p.body, err)
}

// judge finds out what a create that failed has left: our own file, somebody else's, or none.
func (f *flush) judge(ctx context.Context, p *pending, body Body, failed error) error {
	meta, size, err := f.engine.store.Stat(ctx, p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return failed
	}
	if err != nil {
		return errors.Join(failed, err)
	}
	if c, ok := f.engine.store.(Comparer); ok && len(meta) == 0 {
		equal, err := c.Same(ctx, p.name, body)
		if err != nil {
			return errors.Join(failed, err)
		}
		if equal {
			f.finish(p, p.name, f.mark(p), size)
			return nil
		}
	}
	return f.adopt(ctx, p, p.name, meta, size)
}

// texts gives what metadata says.
func texts(meta map[string]string) func(name string) string {
	return func(name string) string { return meta[name] }
}

// adopt takes an object for the part's file if it is, and says what it is otherwise. Only the anchor tells where to cut.
func (f *flush) adopt(ctx context.Context, p *pending, name string, meta map[string]string, size int64) error {
	is, err := f.mark(p).Judge(name, texts(meta))
	if err == nil {
		if err = f.intact(ctx, name, is, size, meta[StoredSum]); err == nil {
			f.finish(p, name, is, size)
		}
		return err
	}
	var conflict *sink.Conflict
	if errors.As(err, &conflict) && p.buffer != f.parts[0].buffer {
		return &sink.Foreign{Name: name, Why: fmt.Sprintf("it is of the interval from %d to %d, layout %q, schema %d", is.From, is.Until, is.Layout, is.Schema)}
	}
	return err
}

// find looks for the part's file under any name that it could have: where the topic is compacted, rows that were first when an
// earlier run made it may be gone.
func (f *flush) find(ctx context.Context, p *pending) error {
	return f.within(ctx, p, f.until, func(name string) (bool, error) {
		err := f.meet(ctx, p, name)
		return p.done, err
	})
}

// within gives the names that files of the part's path can have whose first row stands in the interval before offset end, until one
// was enough.
func (f *flush) within(ctx context.Context, p *pending, end int64, look func(name string) (enough bool, err error)) error {
	e := f.engine
	base := e.dir(p.path) + stem(&f.claim)
	last := base + fmt.Sprintf("%020d", end)
	for name, err := range e.store.List(ctx, base, base+fmt.Sprintf("%020d", f.from)) {
		if err != nil {
			return err
		}
		if name >= last {
			return nil
		}
		if len(name) != len(p.name) || !strings.HasSuffix(name, e.Format.Ext()) {
			continue
		}
		if enough, err := look(name); enough || err != nil {
			return err
		}
	}
	return nil
}

// meet judges an object within the interval, where its name is not the part's own.
func (f *flush) meet(ctx context.Context, p *pending, name string) error {
	meta, size, err := f.engine.store.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	is, why := f.claim.Read(texts(meta))
	if why != "" || is.From != f.from {
		if name != p.name && len(meta) == 0 {
			return &sink.Foreign{Name: name, Why: "it stands within an interval that is written again, and does not say whose it is"}
		}
		return nil
	}
	return f.adopt(ctx, p, name, meta, size)
}
