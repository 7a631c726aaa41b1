package formattest

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
)

// Format holds f to what every format promises, with every type of column that its NewEncoder does not refuse. The function count
// reads a file back and says how many rows it holds.
//
//   - Ext is a dot and more. A file that is closed is complete, also one without rows.
//   - The same rows give the same bytes: however they are shared out over calls of Encode, from any encoder, beside others, and
//     from one that is a formats.Resetter and was begun again.
//   - Nothing of the rows is kept once Encode has returned. Close leaves the io.Writer open.
//   - An error of the io.Writer, at whatever byte, is returned by Encode or by Close.
//   - A formats.Lined appends what its encoder writes, at most a byte more than each value has.
//   - A formats.Reader gives every row back, and does not take a file for whole that lacks its last byte.
func Format(t *testing.T, f formats.Format, count func(file []byte) (int, error)) {
	s := suite{f: f, count: count, records: Records(3000)}
	s.fit(t)
	for _, part := range []struct {
		name string
		test func(*testing.T)
	}{
		{"names end with a dot and more", s.ext},
		{"files are complete", s.complete},
		{"the same bytes however shared out", s.sharedOut},
		{"nothing of the rows is kept", s.keepsNothing},
		{"reset begins another file", s.reset},
		{"lines are those of the encoder", s.lined},
		{"the writer stays open", s.staysOpen},
		{"errors of the writer are returned", s.writeErrors},
		{"safe for concurrent use", s.concurrent},
		{"files are read back", s.readBack},
	} {
		t.Run(part.name, part.test)
	}
}

type suite struct {
	f       formats.Format
	count   func([]byte) (int, error)
	schema  *record.Schema
	records []record.Record
}

// fit leaves out the columns that f refuses, whose types it cannot hold.
func (s *suite) fit(t *testing.T) {
	t.Helper()
	var fits []int
	all := Schema().Columns
	s.schema = new(record.Schema)
	for i, c := range all {
		e, err := s.f.NewEncoder(io.Discard, &record.Schema{Columns: []record.Column{c}})
		if err != nil {
			t.Logf("without the column %q, since it is refused: %v", c.Name, err)
			continue
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		fits = append(fits, i)
		s.schema.Columns = append(s.schema.Columns, c)
	}
	if len(fits) == 0 {
		t.Fatal("columns of every type are refused")
	}
	for i := range s.records {
		row := s.records[i].Row
		s.records[i].Row = make([]record.Value, len(fits))
		for to, from := range fits {
			s.records[i].Row[to] = row[from]
		}
	}
}

func (s suite) encoder(t *testing.T, w io.Writer) formats.Encoder {
	e, err := s.f.NewEncoder(w, s.schema)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// file is what e writes of records, in calls of size rows.
func (s suite) fill(t *testing.T, e formats.Encoder, records []record.Record, size int) {
	for len(records) > 0 {
		n := min(size, len(records))
		if err := e.Encode(records[:n]); err != nil {
			t.Fatal(err)
		}
		records = records[n:]
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// file is a whole file of records, written in one call.
func (s suite) file(t *testing.T, records []record.Record) []byte {
	var w bytes.Buffer
	s.fill(t, s.encoder(t, &w), records, len(records))
	return w.Bytes()
}

func (s suite) ext(t *testing.T) {
	if ext := s.f.Ext(); len(ext) < 2 || !strings.HasPrefix(ext, ".") || strings.Contains(ext, "/") {
		t.Errorf("%q", ext)
	}
}

func (s suite) complete(t *testing.T) {
	for _, n := range []int{0, 1, len(s.records)} {
		file := s.file(t, s.records[:n])
		if got, err := s.count(file); err != nil || got != n {
			t.Errorf("%d rows read back as %d, %v", n, got, err)
		}
	}
}

func (s suite) readBack(t *testing.T) {
	r, ok := s.f.(formats.Reader)
	if !ok {
		t.Log("it is no Reader, which is allowed")
		return
	}
	numbers, from := new(record.Schema), []int{}
	for i, c := range s.schema.Columns {
		if c.Type.Kind == record.Int {
			numbers.Columns, from = append(numbers.Columns, record.Column{Name: c.Name, As: cmp.Or(c.As, c.Name), Type: c.Type}), append(from, i)
		}
	}
	for _, n := range []int{0, 1, len(s.records)} {
		file, rows := s.file(t, s.records[:n]), 0
		for row, err := range r.Read(bytes.NewReader(file), int64(len(file)), numbers) {
			if err != nil {
				t.Fatal(err)
			}
			for i, cell := range row {
				if want := s.records[rows].Row[from[i]]; cell != want {
					t.Fatalf("row %d, column %s: %v, want %v", rows, numbers.Columns[i].Name, cell, want)
				}
			}
			rows++
		}
		if rows != n {
			t.Errorf("%d rows read back as %d", n, rows)
		}
		if n == 0 {
			continue
		}
		var err error
		for _, err = range r.Read(bytes.NewReader(file[:len(file)-1]), int64(len(file)-1), new(record.Schema)) {
			continue
		}
		if err == nil {
			t.Errorf("a file of %d rows without its last byte is taken for whole", n)
		}
	}
}

func (s suite) sharedOut(t *testing.T) {
	want := s.file(t, s.records)
	for _, size := range []int{1, 7, 64, 1000} {
		var w bytes.Buffer
		e := s.encoder(t, &w)
		if err := e.Encode(nil); err != nil {
			t.Fatal(err)
		}
		s.fill(t, e, s.records, size)
		if !bytes.Equal(w.Bytes(), want) {
			t.Errorf("calls of %d rows give other bytes than one call", size)
		}
	}
}

func (s suite) keepsNothing(t *testing.T) {
	var w bytes.Buffer
	e := s.encoder(t, &w)
	for i := 0; i < len(s.records); i += 300 {
		own, spoil := copied(s.records[i : i+300])
		if err := e.Encode(own); err != nil {
			t.Fatal(err)
		}
		spoil()
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w.Bytes(), s.file(t, s.records)) {
		t.Error("the bytes changed with the rows, after Encode had returned")
	}
}

func (s suite) reset(t *testing.T) {
	var first, second bytes.Buffer
	e := s.encoder(t, &first)
	r, ok := e.(formats.Resetter)
	if !ok {
		t.Log("it is no Resetter, which is allowed")
		return
	}
	for _, n := range []int{len(s.records), 0, 1, 500, len(s.records)} {
		s.fill(t, e, s.records[:n], 100)
		second.Reset()
		r.Reset(&second)
		s.fill(t, e, s.records, 999)
		if !bytes.Equal(second.Bytes(), s.file(t, s.records)) {
			t.Fatalf("a file after one of %d rows differs from the first of a new encoder", n)
		}
		first.Reset()
		r.Reset(&first)
	}
}

// lined is about files without columns, which alone may be no more than their lines.
func (s suite) lined(t *testing.T) {
	s.schema = new(record.Schema)
	f, ok := s.f.(formats.Lined)
	if !ok || f.Appender(s.schema) == nil {
		t.Log("its files are more than lines, which is allowed")
		return
	}
	line, all := f.Appender(s.schema), []byte(nil)
	for i := range s.records {
		dst := make([]byte, 0, len(s.records[i].Value)+1)
		got, err := line(dst, &s.records[i])
		if err != nil || cap(got) != cap(dst) {
			t.Fatalf("record %d: a line of %d bytes of a value of %d; %v", i, len(got), len(s.records[i].Value), err)
		}
		all = append(all, got...)
	}
	if want := s.file(t, s.records); !bytes.Equal(all, want) {
		t.Errorf("the lines are %d bytes, and not the %d of the encoder", len(all), len(want))
	}
}

// closer is a writer that knows whether it was closed.
type closer struct {
	bytes.Buffer
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func (s suite) staysOpen(t *testing.T) {
	w := new(closer)
	s.fill(t, s.encoder(t, w), s.records[:10], 10)
	if w.closed {
		t.Error("the encoder closed its io.Writer")
	}
}

type full struct{ room int }

var errFull = errors.New("no space left on device")

func (w *full) Write(b []byte) (int, error) {
	if w.room -= len(b); w.room < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func (s suite) writeErrors(t *testing.T) {
	size := len(s.file(t, s.records))
	for _, room := range []int{0, 1, size / 2, size - 1} {
		e := s.encoder(t, &full{room})
		if err := errors.Join(e.Encode(s.records), e.Close()); !errors.Is(err, errFull) {
			t.Errorf("a writer that takes %d of %d bytes: %v", room, size, err)
		}
	}
}

func (s suite) concurrent(t *testing.T) {
	want := s.file(t, s.records)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var w bytes.Buffer
			e, err := s.f.NewEncoder(&w, s.schema)
			if err == nil {
				err = errors.Join(e.Encode(s.records), e.Close())
			}
			if err != nil || !bytes.Equal(w.Bytes(), want) {
				t.Errorf("side by side with others an encoder writes other bytes, or fails: %v", err)
			}
		})
	}
	wg.Wait()
}
