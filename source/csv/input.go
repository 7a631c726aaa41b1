package csv

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/penstock/penstock/scratch"
)

// input is the text of a file, decompressed. Positions are in the text.
type input struct {
	f      *os.File
	from   io.Reader // f, or what decompresses it
	packed unpacker  // nil for a plain file
	raw    *bufio.Reader
}

// unpacker decompresses: a *gzip.Reader or a *zstd.Decoder.
type unpacker interface {
	io.Reader
	Reset(io.Reader) error
}

// packed is how a file is compressed, by its name, or "".
func packed(path string) string {
	return map[string]string{".gz": "gzip", ".zst": "zstd"}[filepath.Ext(path)]
}

func openInput(path string) (*input, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := &input{f: f, from: f}
	switch packed(path) {
	case "gzip":
		in.packed = new(gzip.Reader)
	case "zstd":
		in.packed, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	}
	if err == nil && in.packed != nil {
		in.raw = bufio.NewReaderSize(nil, 64<<10)
		err = in.seek(context.Background(), 0)
	}
	if err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *input) close() {
	if z, ok := in.packed.(*zstd.Decoder); ok {
		z.Close()
	}
	in.f.Close()
}

// Read is of io.Reader.
func (in *input) Read(b []byte) (int, error) {
	n, err := in.from.Read(b)
	if err != nil && err != io.EOF && in.packed != nil {
		err = in.damaged(err)
	}
	return n, err
}

func (in *input) damaged(err error) error {
	return fmt.Errorf("the file cannot be decompressed: %w; is it whole, and %s as its name says?", err, packed(in.f.Name()))
}

// short says that the text ends before the place that was looked for.
type short struct{ size int64 }

func (s short) Error() string { return fmt.Sprintf("the file ends at byte %d", s.size) }

// seek goes to a place in the text; in a compressed one, by reading what stands before it.
func (in *input) seek(ctx context.Context, to int64) error {
	if in.packed == nil {
		st, err := in.f.Stat()
		if err == nil && st.Size() < to {
			err = short{st.Size()}
		}
		if err == nil {
			_, err = in.f.Seek(to, io.SeekStart)
		}
		return err
	}
	if _, err := in.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in.raw.Reset(in.f)
	in.from = in.packed
	switch err := in.packed.Reset(in.raw); err {
	case nil:
	case io.EOF: // nothing at all
		in.from = in.raw
	default:
		return in.damaged(err)
	}
	return in.discard(ctx, to)
}

func (in *input) discard(ctx context.Context, n int64) error {
	const step = 1 << 20
	for done := int64(0); done < n; {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := io.CopyN(io.Discard, in, min(step, n-done))
		if done += m; err == io.EOF {
			return short{done}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// spool replaces a compressed file by its text, in a scratch file that goes with the process.
func (in *input) spool(ctx context.Context) error {
	if in.packed == nil {
		return nil
	}
	f, err := scratch.New()
	if err != nil {
		return err
	}
	text := &until{ctx: ctx, r: in}
	if _, err := io.Copy(f, text); err != nil {
		f.Close()
		if text.err == nil {
			err = scratch.Failed(err)
		}
		return err
	}
	in.close()
	*in = input{f: f, from: f}
	return in.seek(ctx, 0)
}

// until is a reader that ends with its context, and keeps the error that it has ended with.
type until struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (u *until) Read(b []byte) (n int, err error) {
	if err = u.ctx.Err(); err == nil {
		n, err = u.r.Read(b)
	}
	if err != io.EOF {
		u.err = err
	}
	return n, err
}
