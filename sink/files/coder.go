package files

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
)

// codedRows are handed to an encoder at once.
const codedRows = 1024

// coders are the encoders of a Sink: at most as many at work as the gate lets in, one a core, and as many kept to be used again.
// That bounds what they hold, which no Size counts: for JSON lines a compressor, for Parquet a row group each.
type coders struct {
	gate chan struct{}
	mu   sync.Mutex
	idle []*coder
}

// coder is an encoder for the files of one plan, and the rows that it reads.
type coder struct {
	plan *plan
	enc  formats.Encoder // nil before the first file, or where it cannot be used again
	rows []record.Record
}

// encode writes one file to w.
func (c *coders) encode(ctx context.Context, f formats.Format, r *reader, w io.Writer) error {
	if err := in(ctx, c.gate); err != nil {
		return err
	}
	defer func() { <-c.gate }()
	one := c.take(r.plan)
	if err := one.encode(f, r, w); err != nil {
		return err
	}
	c.put(one)
	return nil
}

func (c *coders) take(p *plan) *coder {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, one := range c.idle {
		if one.plan == p {
			c.idle = slices.Delete(c.idle, i, i+1)
			return one
		}
	}
	return &coder{plan: p}
}

// put keeps those used last.
func (c *coders) put(one *coder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == cap(c.gate) {
		c.idle = slices.Delete(c.idle, 0, 1)
	}
	c.idle = append(c.idle, one)
}

func (c *coder) encode(f formats.Format, r *reader, w io.Writer) (err error) {
	if again, ok := c.enc.(formats.Resetter); ok {
		again.Reset(w)
	} else if c.enc, err = f.NewEncoder(w, c.plan.file); err != nil {
		return err
	}
	if c.rows == nil {
		c.rows = newRows(len(c.plan.file.Columns))
	}
	for {
		n := c.fill(r)
		if r.err != nil {
			return r.err
		}
		if n == 0 {
			return c.enc.Close()
		}
		if err := c.enc.Encode(c.rows[:n]); err != nil {
			return err
		}
	}
}

func (c *coder) fill(r *reader) (n int) {
	r.release()
	for n < len(c.rows) && r.next(&c.rows[n]) {
		n++
	}
	return n
}

func newRows(cells int) []record.Record {
	b := record.Batch{Records: make([]record.Record, codedRows)}
	if cells > 0 {
		b.Rows(cells)
	}
	return b.Records
}
