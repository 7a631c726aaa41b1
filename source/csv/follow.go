package csv

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"time"

	"github.com/penstock/penstock/source"
)

// pollEvery is how often a file that is followed is looked at.
const pollEvery = 200 * time.Millisecond

// errNothing says that a file that is followed does not say enough yet to begin.
var errNothing = errors.New("nothing is there yet")

// begin opens the file. One that is followed is waited for, until its first row is there. False: yield wants no more.
func (t *table) begin(ctx context.Context, yield func(source.Page, error) bool) (bool, error) {
	err := t.open(ctx)
	if err == errNothing {
		at, err := mark{}.offset()
		if t.told = true; err != nil || !yield(source.Page{AtEnd: true, Next: at}, nil) {
			return false, err
		}
	}
	for err == errNothing {
		if err := sleep(ctx, pollEvery); err != nil {
			return false, err
		}
		err = t.open(ctx)
	}
	return err == nil, err
}

// next gives the page that follows. At the end of a file that is followed it says so once, and then waits.
func (t *table) next(ctx context.Context) (p source.Page, err error) {
	if t.sample != nil {
		return t.draw(ctx)
	}
	for {
		p, err = t.page(ctx)
		if err != nil || !t.Follow || len(p.Records) > 0 || !t.told {
			t.told = t.told || p.AtEnd
			return p, err
		}
		if err := t.grown(ctx); err != nil {
			return p, err
		}
	}
}

// grown waits until there is more to read.
func (t *table) grown(ctx context.Context) error {
	read := t.rows.at + int64(len(t.rows.buf)-t.rows.pos)
	for {
		if err := sleep(ctx, pollEvery); err != nil {
			return err
		}
		old, err := t.in.f.Stat()
		if err != nil {
			return err
		}
		now, err := os.Stat(t.path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return replaced("nothing stands in its place")
		case err != nil:
			return err
		case !os.SameFile(old, now):
			return replaced("another one stands in its place")
		case now.Size() < read:
			return shrunk(read, now.Size())
		case now.Size() > read:
			t.rows.eof = false
			return t.unchanged()
		}
	}
}

// unchanged refuses a file in which what was read has been written over.
func (t *table) unchanged() error {
	b := make([]byte, min(t.at.Byte, tailBytes))
	if _, err := t.in.f.ReadAt(b, t.at.Byte-int64(len(b))); err != nil && err != io.EOF {
		return err
	}
	if crc32.ChecksumIEEE(b) != t.at.Tail {
		return replaced("line %d, the last one read, is another now", t.at.Line)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
