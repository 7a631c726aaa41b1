package json

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/formats/formattest"
	"github.com/penstock/penstock/record"
)

func newCodec(t testing.TB) formats.Codec {
	c, err := NewCodec(CodecConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// batch is of one record to a value, with columns given as name, type, name, type.
func batch(t testing.TB, columns []string, values ...string) *record.Batch {
	b := new(record.Batch)
	if columns != nil {
		b.Schema = new(record.Schema)
	}
	for i := 0; i < len(columns); i += 2 {
		name, required := strings.CutSuffix(columns[i], "!")
		kind := record.Type{Kind: record.Any}
		if columns[i+1] != "any" {
			var err error
			if kind, err = record.ParseType(columns[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		b.Schema.Columns = append(b.Schema.Columns, record.Column{Name: name, Type: kind, Required: required})
	}
	for i, v := range values {
		b.Records = append(b.Records, record.Record{Offset: int64(i), Value: []byte(v)})
	}
	return b
}

func TestConformance(t *testing.T) { formattest.Codec(t, newCodec(t)) }

func TestCells(t *testing.T) {
	null := record.Value{}
	anyFloat := func(f float64, text string) record.Value {
		v := record.FloatOf(f)
		v.Str = text
		return v
	}
	for _, c := range []struct {
		typ, json string
		want      record.Value
	}{
		{"string", `"HSI"`, record.StringOf("HSI")},
		{"string", `""`, record.StringOf("")},
		{"string", `"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, record.StringOf("a\"\\/\b\f\n\r\t\u00e9\U0001f600")},
		{"string", `"\ud800"`, record.StringOf("\ufffd")},
		{"string", `null`, null},
		{"bool", `true`, record.BoolOf(true)},
		{"bool", `false`, record.BoolOf(false)},
		{"int64", `-9223372036854775808`, record.IntOf(math.MinInt64)},
		{"int64", `9223372036854775807`, record.IntOf(math.MaxInt64)},
		{"int64", `9223372036854775807.000`, record.IntOf(math.MaxInt64)},
		{"int64", `922337203685477580.70e1`, record.IntOf(math.MaxInt64)},
		{"int64", `1.0`, record.IntOf(1)},
		{"int64", `1e3`, record.IntOf(1000)},
		{"int64", `-1200E-2`, record.IntOf(-12)},
		{"int64", `-0`, record.IntOf(0)},
		{"int64", `0e99999999999`, record.IntOf(0)},
		{"int32", `-2147483648`, record.IntOf(math.MinInt32)},
		{"double", `0.0`, record.FloatOf(0)},
		{"double", `-0`, record.FloatOf(math.Copysign(0, -1))},
		{"double", `2568.300049`, record.FloatOf(2568.300049)},
		{"double", `9007199254740993.1`, record.FloatOf(9007199254740993.1)},
		{"double", `12`, record.FloatOf(12)},
		{"double", `5e-324`, record.FloatOf(5e-324)},
		{"float", `3.4e38`, record.FloatOf(3.4e38)},
		{"date", `"1986-12-31"`, record.DateOf(6208)},
		{"date", `"1969-12-31"`, record.DateOf(-1)},
		{"timestamp(us)", `"1970-01-01"`, record.TimestampOf(0)},
		{"timestamp(us)", `"1969-12-31T23:59:59.9999999Z"`, record.TimestampOf(-1)},
		{"timestamp(ms)", `"1969-12-31T23:59:59.9999999Z"`, record.TimestampOf(-1000)},
		{"timestamp(us)", `"2010-01-08 12:30:01.5+08:00"`, record.TimestampOf(1262925001_500000)},
		{"timestamp(us)", `1262925001`, record.TimestampOf(1262925001_000000)},
		{"timestamp(us)", `1262925001.5`, record.TimestampOf(1262925001_500000)},
		{"timestamp(us)", `1262925001500`, record.TimestampOf(1262925001_500000)},
		{"timestamp(us)", `99999999999`, record.TimestampOf(99999999999_000000)},
		{"timestamp(us)", `100000000000`, record.TimestampOf(100000000_000000)},
		{"bytes", `"AAH/"`, record.BytesOf("\x00\x01\xff")},
		{"json", `{"a": [1, null]}`, record.JSONOf(`{"a": [1, null]}`)},
		{"json", `"text"`, record.JSONOf(`"text"`)},
		{"json", `1.50`, record.JSONOf(`1.50`)},
		{"json", `null`, null},
		{"any", `"x"`, record.StringOf("x")},
		{"any", `7`, record.IntOf(7)},
		{"any", `7.0`, anyFloat(7, "7.0")},
		{"any", `18446744073709551616`, anyFloat(18446744073709551616, "18446744073709551616")},
		{"any", `true`, record.BoolOf(true)},
		{"any", `null`, null},
		{"any", `[1]`, record.JSONOf(`[1]`)},
		{"any", `{ }`, record.JSONOf(`{ }`)},
	} {
		b := batch(t, []string{"c", c.typ}, `{"other":[{"c":9}], "c" : `+c.json+` }`)
		if err := newCodec(t).Decode(b); err != nil {
			t.Fatal(err)
		}
		if len(b.Bad) > 0 {
			t.Errorf("%s as %s: %v", c.json, c.typ, b.Bad[0].Err)
		} else if got := b.Records[0].Row; len(got) != 1 || got[0] != c.want {
			t.Errorf("%s as %s is %+v, want %+v", c.json, c.typ, got, c.want)
		}
	}
}

func TestBadCells(t *testing.T) {
	for typ, values := range map[string][]string{
		"string":        {`1`, `true`, `{}`, `["a"]`},
		"bool":          {`1`, `0`, `"true"`},
		"int32":         {`2147483648`, `-2147483649`, `1.5`, `"1"`},
		"int64":         {`9223372036854775808`, `-9223372036854775809`, `1e19`, `1.5`, `15e-1`, `1e-1`, `1e99999999999`, `1e-99999999999`, `"1"`, `true`},
		"float":         {`3.5e38`, `"1"`},
		"double":        {`1e400`, `"NaN"`, `true`, `[1]`},
		"date":          {`"2010-13-01"`, `"2010-02-30"`, `"2010-1-1"`, `"2010-01-08T00:00:00Z"`, `"20100108"`, `14617`, `""`},
		"timestamp(ms)": {`"2010-01-08T24:00:00Z"`, `"2010-01-08T00:00:60Z"`, `"2010-01-08T00:00:00."`, `"2010-01-08T00:00:00+24:00"`, `"0000-01-01T00:00+00:01"`, `"now"`, `1e15`, `-1e15`, `253402300800000`, `true`},
		"bytes":         {`"AA"`, `"*"`, `1`},
	} {
		for _, v := range values {
			b := batch(t, []string{"my column", typ}, `{"my column":`+v+`}`, `{"my column":null}`)
			if err := newCodec(t).Decode(b); err != nil {
				t.Fatal(err)
			}
			if len(b.Bad) != 1 || b.Bad[0].Index != 0 || b.Records[0].Row != nil || len(b.Records[1].Row) != 1 {
				t.Errorf("%s as %s: bad %v, row %v", v, typ, b.Bad, b.Records[0].Row)
				continue
			}
			want := fmt.Sprintf("column %q: %s does not fit %s; ", "my column", v, typ)
			if got := b.Bad[0].Err.Error(); !strings.HasPrefix(got, want) {
				t.Errorf("%s as %s: %q, want %q", v, typ, got, want)
			}
		}
	}
}

func TestBadValues(t *testing.T) {
	columns := []string{"a!", "any", "b", "any"}
	for _, c := range []struct {
		value   string
		says    string
		checked bool // found without columns too
	}{
		{``, "is not one JSON value", true},
		{` `, "is not one JSON value", true},
		{`{"a":1`, "is not one JSON value", true},
		{`{"a":1} x`, "is not one JSON value", true},
		{`{"a":1}{`, "is not one JSON value", true},
		{`{"a":1} -`, "is not one JSON value", true},
		{`{"a":1}"\`, "is not one JSON value", true},
		{`{"a":1,}`, "is not one JSON value", true},
		{`{"a":01}`, "is not one JSON value", true},
		{`{"a":1-2}`, "is not one JSON value", true},
		{`{"a":1.}`, "is not one JSON value", true},
		{`{"a":nul}`, "is not one JSON value", true},
		{"{\"a\":\"\n\"}", "is not one JSON value", true},
		{`{'a':1}`, "is not one JSON value", true},
		{`-`, "is not one JSON value", true},
		{"{\"a\":\"\xff\"}", "not valid UTF-8", true},
		{"{\"\xc3\x28\":1}", "not valid UTF-8", true},
		{strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "levels deep", true},
		{`{"a":` + strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1001), "levels deep", true},
		{strings.Repeat("[", 1_000_000), "levels deep", true},
		{`null`, "null is not a JSON object", false},
		{`[{"a":1}]`, `[{"a":1}] is not a JSON object`, false},
		{`"` + strings.Repeat("é", 100) + `"`, `"` + strings.Repeat("é", 63) + "... is not a JSON object", false},
		{`{"a":1,"b":2,"a":1}`, `column "a" stands twice`, false},
		{`{"a":1,"\u0061":1}`, `column "a" stands twice`, false},
		{`{"b":1}`, `column "a": there is none, and it is required`, false},
		{`{"a":null}`, `column "a": there is none, and it is required`, false},
	} {
		good := `{"a":1,"B":2,"c":{"a":1,"a":2},"c":0}`
		for _, columns := range [][]string{columns, nil} {
			b := batch(t, columns, good, c.value, good)
			if err := newCodec(t).Decode(b); err != nil {
				t.Fatal(err)
			}
			switch {
			case columns == nil && !c.checked:
				if len(b.Bad) != 0 {
					t.Errorf("%.80q without columns: %v", c.value, b.Bad)
				}
			case len(b.Bad) != 1 || b.Bad[0].Index != 1 || !strings.Contains(b.Bad[0].Err.Error(), c.says):
				t.Errorf("%.80q: %v, want %q", c.value, b.Bad, c.says)
			}
		}
	}
}

func TestNotTooDeep(t *testing.T) {
	for _, v := range []string{
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth),
		`["` + strings.Repeat(`[\"{`, 1000) + `"]`,
		"[" + strings.Repeat("[],", 1000) + "[]]",
	} {
		b := batch(t, nil, v)
		if err := newCodec(t).Decode(b); err != nil || len(b.Bad) > 0 {
			t.Errorf("%.20q: %v, %v", v, err, b.Bad)
		}
	}
}

func TestTombstone(t *testing.T) {
	for _, nulls := range []string{"bad", "skip"} {
		c, err := NewCodec(CodecConfig{Nulls: nulls})
		if err != nil {
			t.Fatal(err)
		}
		for _, columns := range [][]string{{"a", "any"}, nil} {
			b := batch(t, columns, "{}", "null")
			b.Records[0].Value = nil
			err := c.Decode(b)
			if err != nil || len(b.Bad) == 0 || !errors.Is(b.Bad[0].Err, errNull) || errors.Is(b.Bad[0].Err, formats.ErrSkip) != (nulls == "skip") {
				t.Errorf("%s: %v, %v", nulls, err, b.Bad)
			}
			if len(b.Bad) > 1 && errors.Is(b.Bad[1].Err, formats.ErrSkip) {
				t.Errorf("the JSON value null is no tombstone, yet: %v", b.Bad[1].Err)
			}
		}
	}
}

// Members in any order, another schema, a smaller batch: what a reader keeps must not show.
func TestReaderKeepsNothing(t *testing.T) {
	c := newCodec(t)
	for range 3 {
		for _, b := range []*record.Batch{
			batch(t, []string{"a", "int64", "b", "string"}, `{"a":1,"x":0,"b":"2"}`, `{"b":"2","a":1}`, `{"x":{},"y":0,"b":"2","a":1}`),
			batch(t, []string{"b", "string", "a", "int64"}, `{"a":1,"b":"2"}`, `{"a":1,"b":"2"}`),
		} {
			if err := c.Decode(b); err != nil || len(b.Bad) > 0 {
				t.Fatal(err, b.Bad)
			}
			for _, r := range b.Records {
				a, s := r.Row[b.Schema.Index("a")], r.Row[b.Schema.Index("b")]
				if a != record.IntOf(1) || s != record.StringOf("2") {
					t.Errorf("%s: %v", r.Value, r.Row)
				}
			}
		}
	}
}

func TestEncode(t *testing.T) {
	long := daysOf(2010, 1, 8)*day + 3*3600*second + 1
	for _, c := range []struct {
		typ  string
		cell record.Value
		want string
	}{
		{"any", record.Value{}, `null`},
		{"bool", record.BoolOf(true), `true`},
		{"int64", record.IntOf(math.MinInt64), `-9223372036854775808`},
		{"double", record.FloatOf(0), `0`},
		{"double", record.FloatOf(0.1), `0.1`},
		{"double", record.FloatOf(2568.300049), `2568.300049`},
		{"double", record.FloatOf(1e21), `1e+21`},
		{"double", record.FloatOf(1.5e-9), `1.5e-09`},
		{"double", record.FloatOf(math.NaN()), `null`},
		{"double", record.FloatOf(math.Inf(-1)), `null`},
		{"float", record.FloatOf(float64(float32(0.1))), `0.1`},
		{"string", record.StringOf("a\"\\\n\x01é<"), "\"a\\\"\\\\\\n\\u0001é<\""},
		{"bytes", record.BytesOf("\x00\x01\xff"), `"AAH/"`},
		{"json", record.JSONOf(`{"a": 1}`), `{"a": 1}`},
		{"date", record.DateOf(-1), `"1969-12-31"`},
		{"timestamp(us)", record.TimestampOf(-1), `"1969-12-31T23:59:59.999999Z"`},
		{"timestamp(us)", record.TimestampOf(long), `"2010-01-08T03:00:00.000001Z"`},
		{"timestamp(ms)", record.TimestampOf(1262925001_500000), `"2010-01-08T04:30:01.5Z"`},
		{"decimal(15,2)", record.DecimalOf(-50, 2), `-0.50`},
		{"decimal(16,2)", record.DecimalOf(999999999999_99, 2), `"999999999999.99"`},
		{"list<int64>", record.ListOf(), `[]`},
		{"list<list<bool>>", record.ListOf(record.ListOf(record.BoolOf(true), record.Value{}), record.Value{}), `[[true,null],null]`},
		{`struct<"a \"b\"":date,c:list<string>>`, record.StructOf(record.DateOf(0), record.ListOf(record.StringOf("x"))), `{"a \"b\"":"1970-01-01","c":["x"]}`},
	} {
		b := batch(t, []string{"a \"b\"", "any", "c", c.typ}, "")
		b.Records[0].Row = []record.Value{record.StringOf("x"), c.cell}
		if err := newCodec(t).Encode(b); err != nil {
			t.Error(err)
			continue
		}
		if got, want := string(b.Records[0].Value), `{"a \"b\"":"x","c":`+c.want+`}`; got != want {
			t.Errorf("%+v is %s, want %s", c.cell, got, want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, row := range map[string][]record.Value{
		"column \"a\": \"\\xff\" is not valid UTF-8": {record.StringOf("\xff")},
		"a cell of kind any":                         {{Kind: record.Any}},
		"years 0 and 9999":                           {record.TimestampOf(lastTime + 1)},
		"between the years":                          {record.DateOf(-719529)},
		"the row has 0 cells":                        nil,
	} {
		b := batch(t, []string{"a", "any"}, "old", "old")
		b.Records[0].Row = []record.Value{record.IntOf(1)}
		b.Records[1].Row = row
		var bad *record.Bad
		err := newCodec(t).Encode(b)
		if !errors.As(err, &bad) || bad.Index != 1 || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
		if string(b.Records[0].Value) != "old" {
			t.Errorf("a value was set")
		}
	}
}

// daysOf is days since 1970-01-01.
func daysOf(year, month, dom int64) int64 { return daysSince1970(year, month, dom) }

func TestBytesRoundTrip(t *testing.T) {
	raw := make([]byte, 256)
	for i := range raw {
		raw[i] = byte(i)
	}
	b := batch(t, []string{"c", "bytes"}, `{"c":"`+base64.StdEncoding.EncodeToString(raw)+`"}`)
	if err := newCodec(t).Decode(b); err != nil || b.Records[0].Row[0].Str != string(raw) {
		t.Fatal(err, b.Bad)
	}
}

// What is remembered of the objects before does not make a malformed one sound, whatever stands in the place of a name.
func TestBadAfterOthers(t *testing.T) {
	all := []string{`{"` + strings.Repeat("n", 100) + `":1,"a":2}`, `{"a":1,"b":2}`, `{"x":1,"a":2}`, `{"a" :1 , "b" :2}`}
	open := &record.Schema{Open: true, Columns: []record.Column{{Name: "a", Type: record.Type{Kind: record.Any}}}}
	for i, s := range []*record.Schema{nil, nil, {Columns: open.Columns}, {Columns: open.Columns}, open} {
		before := all
		if i%2 == 0 {
			before = all[:1] // whose first name is too long to be remembered
		}
		for _, bad := range []string{"{\x001,\"a\":3}", `{:1,"a":3}`, `{"a"1}`, `{"a":1"b":2}`, `{"a":1,,"b":2}`, `{"a":1 "b":2}`, `{"a":1,"b"}`, "{\"a\":1,\x00\"b\":2}", "{\"a\":\x001}"} {
			values := append(append(slices.Clone(before), bad), before...)
			b := batch(t, nil, values...)
			b.Schema = s
			if err := newCodec(t).Decode(b); err != nil {
				t.Fatal(err)
			}
			if len(b.Bad) != 1 || b.Bad[0].Index != len(before) {
				t.Errorf("%q, columns %v: %v", bad, s != nil, b.Bad)
			}
		}
	}
}
