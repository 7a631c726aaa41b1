package json

import (
	"math"
	"strings"
	"testing"

	"github.com/penstock/penstock/record"
)

func dec(text, typ string) record.Value {
	t, err := record.ParseType(typ)
	if err != nil {
		panic(err)
	}
	v, ok := new(record.Batch).Decimal(text, t)
	if !ok {
		panic(text)
	}
	return v
}

func TestNestedCells(t *testing.T) {
	null, list, object := record.Value{}, record.ListOf, record.StructOf
	for _, c := range []struct {
		typ, json string
		want      record.Value
	}{
		{"decimal(5,2)", `-1.5`, record.DecimalOf(-150, 2)},
		{"decimal(5,2)", `"1.50"`, record.DecimalOf(150, 2)},
		{"decimal(5,2)", `15e-1`, record.DecimalOf(150, 2)},
		{"decimal(38,2)", `12345678901234567890.12`, dec("12345678901234567890.12", "decimal(38,2)")},
		{"decimal(38,2)", `null`, null},
		{"list<string>", `[]`, list()},
		{"list<string>", ` [ "a" , null , "\u00e9\n" ] `, list(record.StringOf("a"), null, record.StringOf("é\n"))},
		{"list<string>", `["\n","\t","x\\"]`, list(record.StringOf("\n"), record.StringOf("\t"), record.StringOf("x\\"))},
		{"list<double>", `[1,2.5,-0]`, list(record.FloatOf(1), record.FloatOf(2.5), record.FloatOf(math.Copysign(0, -1)))},
		{"list<list<int64>>", `[[1],[],null,[2,3]]`, list(list(record.IntOf(1)), list(), null, list(record.IntOf(2), record.IntOf(3)))},
		{"list<json>", `[{"a":[1]},"x",1.0,null,true]`, list(record.JSONOf(`{"a":[1]}`), record.JSONOf(`"x"`), record.JSONOf("1.0"), null, record.JSONOf("true"))},
		{"list<bytes>", `["AAH/","AA=="]`, list(record.BytesOf("\x00\x01\xff"), record.BytesOf("\x00"))},
		{"struct<a:int64,b:string>", `{"a":1,"b":"x"}`, object(record.IntOf(1), record.StringOf("x"))},
		{"struct<a:int64,b:string>", `{"b":"x","a":1}`, object(record.IntOf(1), record.StringOf("x"))},
		{"struct<a:int64,b:string>", `{"c":{"a":7},"b":"x"}`, object(null, record.StringOf("x"))},
		{"struct<a:int64,b:string>", `{}`, object(null, null)},
		{`struct<"a\"":date>`, `{"a\"":"1970-01-02"}`, object(record.DateOf(1))},
		{"struct<a:struct<x:bool>,b:struct<x:bool>>", `{"b":{"x":true},"a":{"x":false}}`, object(object(record.BoolOf(false)), object(record.BoolOf(true)))},
		{"struct<a:list<string>,b:list<string>>", `{"a":["1","2"],"b":["3"]}`, object(list(record.StringOf("1"), record.StringOf("2")), list(record.StringOf("3")))},
		{
			"list<struct<id:int32,at:list<timestamp(ms)>>>", `[{"id":1,"at":[0,"1969-12-31"]},{"at":null},{"id":2}]`,
			list(object(record.IntOf(1), list(record.TimestampOf(0), record.TimestampOf(-86400_000000))), object(null, null), object(record.IntOf(2), null)),
		},
	} {
		value := `{"o":{"c":9}, "c":` + c.json + `}`
		b := batch(t, []string{"c", c.typ}, value, value)
		codec := newCodec(t)
		for range 2 {
			if err := codec.Decode(b); err != nil || len(b.Bad) > 0 {
				t.Fatalf("%s as %s: %v, %v", c.json, c.typ, err, b.Bad)
			}
			for _, r := range b.Records {
				if got := r.Row; len(got) != 1 || got[0] != c.want {
					t.Errorf("%s as %s is %+v, want %+v", c.json, c.typ, got, c.want)
				}
			}
		}
		again := &record.Batch{Schema: b.Schema, Records: []record.Record{{Row: b.Records[0].Row}}}
		if err := codec.Encode(again); err != nil {
			t.Fatal(err)
		}
		if err := codec.Decode(again); err != nil || len(again.Bad) > 0 || again.Records[0].Row[0] != c.want {
			t.Errorf("%+v is %s, and comes back as %+v, %v", c.want, again.Records[0].Value, again.Records[0].Row, again.Bad)
		}
	}
}

func TestBadNested(t *testing.T) {
	for _, c := range []struct{ typ, json, says string }{
		{"decimal(5,2)", `1000`, `column "c": 1000 does not fit decimal(5,2); `},
		{"decimal(5,2)", `0.001`, `column "c": 0.001 does not fit`},
		{"decimal(5,2)", `"NaN"`, `column "c": "NaN" does not fit`},
		{"decimal(5,2)", `true`, `column "c": true does not fit`},
		{"list<int64>", `1`, `column "c": 1 does not fit list<int64>`},
		{"list<int64>", `{"a":1}`, `column "c": {"a":1} does not fit list<int64>`},
		{"list<int64>", `[1,"x"]`, `column "c": "x" does not fit int64`},
		{"struct<a:int64>", `[]`, `column "c": [] does not fit struct<a:int64>`},
		{"struct<a:int64>", `{"a":1.5}`, `column "c": field "a": 1.5 does not fit int64`},
		{"struct<a:int64>", `{"a":1,"a":1}`, `column "c": field "a" stands twice in one object`},
		{"list<struct<a:list<bool>>>", `[{"a":[true,0]}]`, `column "c": field "a": 0 does not fit bool`},
		{"list<int64>", `[1,]`, `is not one JSON value`},
		{"list<int64>", `[,1]`, `is not one JSON value`},
		{"list<int64>", `[1 2]`, `is not one JSON value`},
		{"list<int64>", `[1`, `is not one JSON value`},
		{"list<int64>", `[`, `is not one JSON value`},
		{"struct<a:int64>", `{"a":1,}`, `is not one JSON value`},
		{"struct<a:int64>", `{"a"}`, `is not one JSON value`},
		{"struct<a:int64>", `{"a":`, `is not one JSON value`},
	} {
		b := batch(t, []string{"c", c.typ}, `{"c":`+c.json+`}`, `{"c":null}`)
		if err := newCodec(t).Decode(b); err != nil {
			t.Fatal(err)
		}
		if len(b.Bad) != 1 || b.Bad[0].Index != 0 || !strings.Contains(b.Bad[0].Err.Error(), c.says) {
			t.Errorf("%s as %s: %v, want %q", c.json, c.typ, b.Bad, c.says)
		}
	}
}

func TestEncodeRefusesNested(t *testing.T) {
	for _, c := range []struct {
		typ  string
		cell record.Value
		says string
	}{
		{"list<int64>", record.StructOf(record.IntOf(1)), "a cell of kind struct stands in a column of type list<int64>"},
		{"any", record.ListOf(), "a cell of kind list stands in a column of type any"},
		{"list<int64>", record.Value{Kind: record.List, Str: "\x02"}, "does not hold the cells of its type"},
		{"list<string>", record.ListOf(record.StringOf("\xff")), "not valid UTF-8"},
		{"struct<a:int64,b:int64>", record.StructOf(record.IntOf(1)), "fewer cells"},
		{"struct<a:int64>", record.StructOf(record.IntOf(1), record.IntOf(1)), "does not hold the cells of its type"},
	} {
		b := batch(t, []string{"c", c.typ}, "")
		b.Records[0].Row = []record.Value{c.cell}
		if err := newCodec(t).Encode(b); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v in %s: %v, want %q", c.cell, c.typ, err, c.says)
		}
	}
}

// Lists and structs too are read into memory that is used again.
func TestDecodeAllocatesNothing(t *testing.T) {
	for name, columns := range map[string][]string{
		"flat":   {"s", "string", "e", "string", "f", "double", "i", "int64", "d", "date", "t", "timestamp(us)", "n", "decimal(9,2)", "w", "decimal(38,2)", "j", "json", "b", "bytes"},
		"nested": {"l", "list<string>", "o", "struct<a:int64,b:list<double>>"},
	} {
		value := `{"s":"x","e":"a\nb","f":1.25,"i":7,"d":"2010-01-08","t":"2010-01-08T00:00:00Z","n":1.25,"w":"12345678901234567890.12","j":{"a":[1]},"b":"AAH/",` +
			`"l":["x","y\n"],"o":{"a":1,"b":[1,2]},"X":null}`
		b := batch(t, columns, value, value, value)
		b.Schema.Open = true // X is always null, and waits
		r := new(reader)     // the codec has a pool of them, which the race detector empties at random
		if n := testing.AllocsPerRun(100, func() {
			if r.batch(b); len(b.Bad) > 0 {
				t.Fatal(b.Bad)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// The values of a batch are one piece of memory, or none where it has room for them; a record costs nothing.
func TestEncodeAllocatesByBatch(t *testing.T) {
	b := batch(t, []string{"s", "string", "f", "double", "d", "date", "n", "decimal(38,2)", "l", "list<string>"}, "", "", "")
	for i := range b.Records {
		b.Records[i].Row = []record.Value{
			record.StringOf("x"), record.FloatOf(1.25), record.DateOf(1), dec("1.5", "decimal(38,2)"), record.ListOf(record.StringOf("y")),
		}
	}
	w := new(writer)
	w.use(b.Schema)
	for most, room := range [][]byte{{}, nil} {
		if n := testing.AllocsPerRun(100, func() {
			b.Room = room
			if err := w.write(b); err != nil {
				t.Fatal(err)
			}
			room = b.Room[:0]
		}); n > float64(most) {
			t.Errorf("%v allocations, of at most %d", n, most)
		}
	}
}
