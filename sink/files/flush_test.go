package files

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// down is a store that is away for a while, and lists nothing.
type down struct {
	discard
	tries int // until it is back
}

var errAway = errors.New("away")

func (d *down) Create(_ context.Context, _ string, _ map[string]string, body Body) error {
	if d.tries--; d.tries >= 0 {
		return errAway
	}
	_, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	return err
}

// counted is Lines, and how many files were begun.
type counted struct {
	formats.Format
	files int
}

func (c *counted) NewEncoder(w io.Writer, s *record.Schema) (formats.Encoder, error) {
	c.files++
	e, err := c.Format.NewEncoder(w, s)
	return struct{ formats.Encoder }{e}, err // which cannot begin another
}

func (c *counted) Raw() bool { return true }

// bare takes no rows.
type bare struct{ formats.Format }

func (bare) NewEncoder(io.Writer, *record.Schema) (formats.Encoder, error) {
	return nil, errors.New("no columns are left")
}

func (bare) Raw() bool { return true }

// encoded hides that a format's files are lines and nothing else.
type encoded struct{ formats.Format }

func (encoded) Raw() bool { return true }

// Rows that cannot be encoded are another thing than a store that is away: to try again is of no use.
func TestRowsThatCannotBeEncoded(t *testing.T) {
	s, err := New(&down{}, Config{Format: bare{sinktest.Lines{}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(t.Context(), sinktest.Claim(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), &record.Batch{Records: []record.Record{{Value: []byte("x")}}}); err != nil {
		t.Fatal(err)
	}
	f, err := w.Cut(1)
	if err != nil {
		t.Fatal(err)
	}
	var unfit *sink.Unfit
	if _, err := f.Commit(t.Context()); !errors.As(err, &unfit) || unfit.Err.Error() != "no columns are left" {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Commit(ended); err == nil || errors.As(err, &unfit) {
		t.Errorf("%v, though it was only told to end", err)
	}
}

// TestAnOutageCostsNoSecondEncoding, and the rows' memory is given back at the first.
func TestAnOutageCostsNoSecondEncoding(t *testing.T) {
	f := &counted{Format: sinktest.Lines{}}
	s, err := New(&down{tries: 3}, Config{Format: f}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(t.Context(), sinktest.Claim(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(100) {
		if err := w.Write(t.Context(), &record.Batch{Records: []record.Record{{Offset: i, Value: make([]byte, 10_000)}}}); err != nil {
			t.Fatal(err)
		}
	}
	flush, err := w.Cut(100)
	if err != nil {
		t.Fatal(err)
	}
	rows := w.(sink.Sized).Size()
	for range 3 {
		if _, err := flush.Commit(t.Context()); !errors.Is(err, errAway) {
			t.Fatal(err)
		}
		if held := w.(sink.Sized).Size(); held < 1_000_000 || held > rows*11/10 {
			t.Errorf("%d bytes are held, %d before", held, rows)
		}
	}
	made, err := flush.Commit(t.Context())
	if err != nil || made[0].Bytes != 1_000_100 || f.files != 1 {
		t.Errorf("made %+v, %v; %d files were encoded", made, err, f.files)
	}
	if held := w.(sink.Sized).Size(); held != 0 {
		t.Errorf("%d bytes are held in the end", held)
	}
}

// TestAFlushThatIsGivenUp leaves nothing held, of the Writer or of the Sink: neither rows, files that were encoded nor scratch files.
func TestAFlushThatIsGivenUp(t *testing.T) {
	t.Run("lines", func(t *testing.T) { givenUp(t, sinktest.Lines{}, false) })
	t.Run("encoded", func(t *testing.T) { givenUp(t, encoded{sinktest.Lines{}}, true) })
}

func givenUp(t *testing.T, f formats.Format, spools bool) {
	s, err := New(&down{tries: 9}, Config{Format: f}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open(t.Context(), sinktest.Claim(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	write := func(from, to int64) {
		for i := from; i < to; i++ {
			if err := w.Write(t.Context(), &record.Batch{Records: []record.Record{{Offset: i, Value: make([]byte, 10_000)}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(0, 200)
	if freed, err := w.(sink.Spiller).Spill(); freed < 1_000_000 || err != nil {
		t.Fatal(freed, err)
	}
	write(200, 300)
	cut, err := w.Cut(300)
	if err != nil {
		t.Fatal(err)
	}
	spooled := &s.(*engine).spooled
	if _, err := cut.Commit(t.Context()); !errors.Is(err, errAway) || (spooled.Load() > 0) != spools {
		t.Fatal(err, spooled.Load())
	}
	for range 2 {
		if err := cut.(io.Closer).Close(); err != nil {
			t.Fatal(err)
		}
	}
	if held := w.(sink.Sized).Size(); held != 0 || spooled.Load() != 0 || cut.(*flush).scratch.file != nil {
		t.Errorf("%d bytes of rows, %d of files, %v are held", held, spooled.Load(), cut.(*flush).scratch.file)
	}
}
