package record

import (
	"errors"
	"io"
	"math"
	"reflect"
	"testing"
	"unsafe"
)

func TestRows(t *testing.T) {
	b := new(Batch)
	for _, c := range []struct{ records, columns int }{{3, 2}, {1, 1}, {5, 4}, {0, 3}, {2, 0}, {5, 4}} {
		b.Records = make([]Record, c.records)
		b.Rows(c.columns)
		for i, r := range b.Records {
			if len(r.Row) != c.columns || cap(r.Row) != c.columns {
				t.Fatalf("%d records of %d columns: row %d has %d cells, room for %d", c.records, c.columns, i, len(r.Row), cap(r.Row))
			}
			for j := range r.Row {
				if r.Row[j] != (Value{}) {
					t.Fatalf("row %d begins with %v, not empty", i, r.Row[j])
				}
				r.Row[j] = IntOf(int64(i*c.columns + j)) // overlapping rows would not be empty when their turn comes
			}
		}
	}
}

func TestRowsReuseMemory(t *testing.T) {
	b := &Batch{Records: make([]Record, 100)}
	b.Rows(9)
	if n := testing.AllocsPerRun(10, func() { b.Rows(9); b.Rows(3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBad(t *testing.T) {
	err := error(&Bad{Index: 7, Err: io.ErrUnexpectedEOF})
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "record 7 of the batch: unexpected EOF" {
		t.Error(err)
	}
	var bad *Bad
	if !errors.As(err, &bad) || bad.Index != 7 {
		t.Error("the record at fault is not to be found")
	}
}

func TestIndex(t *testing.T) {
	s := &Schema{Columns: []Column{{Name: "Date"}, {Name: "Open", As: "open"}}}
	for name, want := range map[string]int{"Date": 0, "Open": 1, "open": -1, "date": -1, "": -1} {
		if got := s.Index(name); got != want {
			t.Errorf("%q is at %d, want %d", name, got, want)
		}
	}
}

func TestValueIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Value{}); n != 32 {
		t.Errorf("a cell takes %d bytes", n)
	}
}

// What a batch keeps stays as it is until the batch's next Rows, however much more it keeps.
func TestKeep(t *testing.T) {
	b := &Batch{Records: make([]Record, 1)}
	fill := func() {
		b.Rows(1)
		first := b.Keep([]byte("first"))
		for range 1000 {
			b.Keep([]byte("more"))
		}
		if first != "first" {
			t.Fatal(first)
		}
	}
	fill()
	if n := testing.AllocsPerRun(10, fill); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestValues(t *testing.T) {
	for _, n := range []int64{0, -1, math.MinInt64, math.MaxInt64} {
		if IntOf(n).Int() != n || DateOf(n).Int() != n || TimestampOf(n).Int() != n {
			t.Error(n)
		}
	}
	for _, f := range []float64{0, math.Copysign(0, -1), math.Inf(1), math.NaN(), 0.1} {
		if math.Float64bits(FloatOf(f).Float()) != math.Float64bits(f) {
			t.Error(f)
		}
	}
	if !BoolOf(true).Bool() || BoolOf(false).Bool() {
		t.Error("bool")
	}
	if !(Value{}).IsNull() || StringOf("").IsNull() || IntOf(0).IsNull() {
		t.Error("null")
	}
	for _, v := range []Value{StringOf("x"), BytesOf("x"), JSONOf("x")} {
		if v.Str != "x" {
			t.Error(v)
		}
	}
}

// A clone shares no memory with its record.
func TestClone(t *testing.T) {
	text := []byte("text")
	alias := unsafe.String(&text[0], len(text))
	r := Record{Offset: 3, Time: 4, Key: text, Value: text, Row: []Value{IntOf(5), StringOf(alias)}, Headers: []Header{{Key: alias, Value: text}}}
	own := r.Clone()
	copy(text, "####")
	r.Row[0], r.Headers[0] = Value{}, Header{}
	want := Record{Offset: 3, Time: 4, Key: []byte("text"), Value: []byte("text"), Row: []Value{IntOf(5), StringOf("text")}, Headers: []Header{{Key: "text", Value: []byte("text")}}}
	if !reflect.DeepEqual(own, want) {
		t.Errorf("%+v", own)
	}
	if none := (Record{Time: NoTime}).Clone(); none.Key != nil || none.Value != nil || none.Row != nil || none.Headers != nil {
		t.Errorf("nulls became %+v", none)
	}
}
