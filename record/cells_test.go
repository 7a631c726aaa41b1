package record

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func everyKind() []Value {
	wide, _ := new(Batch).Decimal("-12345678901234567890.5", Type{Kind: Decimal, Precision: 30, Scale: 1})
	return []Value{
		{}, BoolOf(true), BoolOf(false), IntOf(-1 << 63), IntOf(1<<63 - 1), FloatOf(-0.1), StringOf(""), StringOf("é\x00"), BytesOf("\xff"),
		DateOf(-1), TimestampOf(1 << 60), JSONOf("{}"), DecimalOf(-5, 3), wide,
		ListOf(), ListOf(IntOf(1), Value{}, ListOf(StringOf("deep"))), StructOf(wide, Value{}, DecimalOf(1<<62, 18)),
	}
}

func TestCells(t *testing.T) {
	all := everyKind()
	for _, v := range []Value{ListOf(all...), StructOf(all...)} {
		var got []Value
		var one Value
		cells := v.Cells()
		for cells.Next(&one) {
			got = append(got, one)
		}
		if err := cells.Err(); err != nil || !slices.Equal(got, all) {
			t.Errorf("%v, %v", got, err)
		}
	}
	for i := range all {
		if n := len(AppendCell(nil, &all[i])); n > CellRoom(&all[i]) {
			t.Errorf("%v takes %d bytes, more than %d", all[i], n, CellRoom(&all[i]))
		}
	}
}

// Cells that end early, or are no cells at all, are an error, not a panic.
func TestBrokenCells(t *testing.T) {
	for _, v := range everyKind() {
		whole := string(AppendCell(nil, &v))
		for n := 1; n < len(whole); n++ {
			var one Value
			cells := Value{Kind: List, Str: whole[:n]}.Cells()
			for cells.Next(&one) {
			}
			if cells.Err() == nil {
				t.Errorf("the first %d of %d bytes of %v are sound", n, len(whole), v)
			}
		}
	}
	for _, s := range []string{"\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x02\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", "\xff", "\x09\x02\x10"} {
		var one Value
		cells := Value{Kind: Struct, Str: s}.Cells()
		for cells.Next(&one) {
		}
		if cells.Err() == nil {
			t.Errorf("%q is sound", s)
		}
	}
}

func TestKindNames(t *testing.T) {
	for k, want := range map[Kind]string{Null: "null", Decimal: "decimal", Struct: "struct", Any: "any", 200: "any"} {
		if k.String() != want {
			t.Errorf("%d is %v", k, k)
		}
	}
}

// The text of a pinned schema must never change.
func TestSchemaText(t *testing.T) {
	s := Schema{Version: 3, Cut: []string{"Index"}, Open: true, Columns: []Column{
		{Name: "Adj Close", As: "adj_close", Type: Type{Kind: Float}, Inferred: true},
		{Name: "price", Type: Type{Kind: Decimal, Precision: 10, Scale: 2}, Required: true},
		{Name: "tags", Type: ListType(Type{Kind: String})},
	}}
	text, err := json.Marshal(s)
	const want = `{"version":3,"columns":[{"name":"Adj Close","type":"double","inferred":true},{"name":"price","type":"decimal(10,2)","required":true},{"name":"tags","type":"list\u003cstring\u003e"}]}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	var back Schema
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	s.Columns[0].As, s.Cut, s.Open = "", nil, false
	if !reflect.DeepEqual(back, s) {
		t.Errorf("%+v", back)
	}
	if err := json.Unmarshal([]byte(`{"columns":[{"name":"a","type":"varchar"}]}`), &back); err == nil {
		t.Error("an unknown type was taken")
	}
}

func TestUnion(t *testing.T) {
	column := func(name string, k Kind) Column { return Column{Name: name, Type: Type{Kind: k}, Inferred: true} }
	var u Union
	for _, c := range []Column{column("a", Float), column("b", String), column("a", Float), column("B", Bool), column("b", Float), column("c", JSON), column("c", Bool)} {
		if !u.Add(c) {
			t.Fatal(c)
		}
	}
	want := []Column{column("a", Float), column("b", JSON), column("c", JSON)}
	if !slices.Equal(u.Columns, want) || !u.Has("C") || u.Has("d") {
		t.Errorf("%v", u.Columns)
	}
	for i := len(u.Columns); i < MaxColumns; i++ {
		if !u.Add(column(strings.Repeat("x", i), Bool)) {
			t.Fatalf("column %d is too many", i)
		}
	}
	if u.Add(column("one more", Bool)) || !u.Add(column("a", Bool)) || len(u.Columns) != MaxColumns {
		t.Error("the limit does not hold")
	}
}
