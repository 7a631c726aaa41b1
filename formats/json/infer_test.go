package json

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
)

func infer(t *testing.T, b *record.Batch, known *record.Schema) []string {
	t.Helper()
	columns, err := newCodec(t).(formats.Inferrer).Infer(b, known)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, c := range columns {
		if !c.Inferred || c.Required || c.As != "" {
			t.Errorf("%+v", c)
		}
		texts = append(texts, c.Name+":"+c.Type.String())
	}
	return texts
}

func TestInfer(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   string
	}{
		{[]string{`{"s":"x","n":1,"f":1.5,"b":true,"o":{"a":1},"l":[1],"z":null}`}, "s:string n:double f:double b:bool o:json l:json"},
		{[]string{`{"b":1}`, `{"a":1,"b":2}`}, "b:double a:double"},
		{[]string{`{"a":null}`, `{"a":null,"b":1}`}, "b:double"},
		{[]string{`{"a":null,"b":1}`, `{"a":"x"}`}, "b:double a:string"},
		{[]string{`{"a":1}`, `{"a":"x"}`, `{"a":1}`}, "a:json"},
		{[]string{`{"a":true}`, `{"a":0}`}, "a:json"},
		{[]string{`{"a":9007199254740993}`}, "a:double"},
		{[]string{`{"known":1,"cut":2,"a":1}`}, "a:double"},
		{[]string{`{"a":1}`, `{"A":"x","b":1}`}, "a:double b:double"}, // the second is bad once a is a column
		{[]string{`{"a":1,"A":2,"b":3}`, `{"c":1}`}, "c:double"},      // bad on its own
		{[]string{`{"Known":1,"b":3}`, `{"c":1}`}, "c:double"},
		{[]string{`{"\u0061":1}`, `{"a":true}`}, "a:json"},
		{[]string{`[]`, `{"a":`, `{"a":1}`, ``, `{"b":1} 2`}, "a:double"},
		{[]string{`{}`, `{"known":{}}`}, ""},
		{[]string{`{"":1,"日本":"x"}`}, ":double 日本:string"},
	} {
		b := batch(t, nil, c.values...)
		known := &record.Schema{Columns: []record.Column{{Name: "known", Type: record.Type{Kind: record.Int}}}, Cut: []string{"cut"}}
		if got := strings.Join(infer(t, b, known), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.values, got, c.want)
		}
	}
}

func TestInferPassesOverBad(t *testing.T) {
	b := batch(t, nil, `{"a":1}`, `{"b":1}`, `{"c":1}`)
	b.Bad = []record.Bad{{Index: 1, Err: errNull}}
	if got := infer(t, b, &record.Schema{}); !slices.Equal(got, []string{"a:double", "c:double"}) {
		t.Error(got)
	}
}

func TestInferTooMany(t *testing.T) {
	var wide strings.Builder
	for i := range 600 {
		fmt.Fprintf(&wide, `,"x%d":1`, i)
	}
	first := `{"a":1` + wide.String() + `}`
	second := strings.ReplaceAll(first, "x", "y")
	b := batch(t, nil, first, second, `{"b":1}`)
	columns, err := newCodec(t).(formats.Inferrer).Infer(b, &record.Schema{Columns: make([]record.Column, 1)})
	var bad *record.Bad
	if !errors.As(err, &bad) || bad.Index != 1 || len(columns) != 601 || !strings.Contains(err.Error(), "more than 1000") {
		t.Errorf("%d columns, %v", len(columns), err)
	}
}

func TestOpen(t *testing.T) {
	values := []string{
		`{"a":1,"b":2}`,
		`{"a":1,"new":2}`,
		`{"a":1,"cut":2,"null":null}`,
		`{"a":"not a number","new":1}`,
		`{"a":1,"new":{"x":[]},"null":null}`,
		`{"new":1,"a":}`,
	}
	b := batch(t, []string{"a", "double", "b", "double"}, values...)
	b.Schema.Cut = []string{"cut"}
	for _, open := range []bool{true, false, true} {
		s := *b.Schema
		s.Open = open
		b.Schema = &s
		if err := newCodec(t).Decode(b); err != nil {
			t.Fatal(err)
		}
		want := []int{1, 4}
		if !open {
			want = nil
		}
		if !slices.Equal(b.Unknown, want) || len(b.Bad) != 2 || b.Bad[0].Index != 3 || b.Bad[1].Index != 5 {
			t.Errorf("open %v: unknown %v, bad %v", open, b.Unknown, b.Bad)
		}
	}
}

func TestNamesEqualButForCase(t *testing.T) {
	many := ""
	for i := range 2 * fewExtras {
		many += fmt.Sprintf(`,"m%d":1`, i)
	}
	for value, says := range map[string]string{
		`{"Open":1,"x":1}`:             "",
		`{"Open":1,"open":1}`:          `column "open" differs from "Open" in letter case alone, which readers of files ignore; rename one`,
		`{"OPEN":null}`:                `column "OPEN" differs from "Open"`,
		`{"x":1,"y":1,"X":null}`:       `column "X" differs from "x"`,
		`{"CUT":1}`:                    `column "CUT" differs from "Cut"`,
		`{"Cut":1}`:                    "",
		`{"x":1,"x":2}`:                `column "x" stands twice in one object`,
		`{"É":1,"\u00e9":2}`:           `column "é" differs from "É"`,
		`{"Open":1,"o":{"x":1,"X":1}}`: "",
	} {
		b := batch(t, []string{"Open", "double"}, value)
		b.Schema.Open, b.Schema.Cut = true, []string{"Cut"}
		if err := newCodec(t).Decode(b); err != nil {
			t.Fatal(err)
		}
		switch {
		case says == "" && len(b.Bad) > 0:
			t.Errorf("%s: %v", value, b.Bad)
		case says != "" && (len(b.Bad) != 1 || len(b.Unknown) > 0 || !strings.Contains(b.Bad[0].Err.Error(), says)):
			t.Errorf("%s: %v, want %q", value, b.Bad, says)
		}
	}
}

func TestIntegersBeyondDoubles(t *testing.T) {
	for value, says := range map[string]string{
		`9007199254740992`:      "",
		`-9007199254740992`:     "",
		`9007199254740993.0`:    "",
		`1e300`:                 "",
		`9007199254740993`:      `column "my id": 9007199254740993 is an integer beyond 2^53, which a double does not hold exactly; declare the column under schema: columns: {my id: int64}`,
		`-9007199254740994`:     `columns: {my id: int64}`,
		`18446744073709551616`:  `columns: {my id: "decimal(38,0)"}`,
		strings.Repeat("1", 50): `columns: {my id: double}`,
	} {
		b := batch(t, []string{"my id", "double"}, `{"my id":`+value+`}`)
		for _, inferred := range []bool{false, true} {
			s := &record.Schema{Columns: slices.Clone(b.Schema.Columns)}
			s.Columns[0].Inferred = inferred
			b.Schema = s
			if err := newCodec(t).Decode(b); err != nil {
				t.Fatal(err)
			}
			bad := inferred && says != ""
			if bad != (len(b.Bad) == 1) || bad && !strings.Contains(b.Bad[0].Err.Error(), says) {
				t.Errorf("%s, inferred %v: %v, want %q", value, inferred, b.Bad, says)
			}
		}
	}
}

// What has been inferred of a batch is what it takes to decode it with nothing left over.
func TestInferThenDecode(t *testing.T) {
	b := batch(t, []string{}, `{"a":1,"b":"x"}`, `{"c":[1],"a":null}`, `{"a":2.5,"d":false,"e":null}`)
	codec := newCodec(t)
	b.Schema = &record.Schema{Open: true}
	if err := codec.Decode(b); err != nil || len(b.Unknown) != 3 {
		t.Fatal(err, b.Unknown)
	}
	columns, err := codec.(formats.Inferrer).Infer(b, b.Schema)
	if err != nil {
		t.Fatal(err)
	}
	b.Schema = &record.Schema{Version: 1, Open: true, Columns: columns}
	if err := codec.Decode(b); err != nil || len(b.Unknown) > 0 || len(b.Bad) > 0 {
		t.Fatal(err, b.Unknown, b.Bad)
	}
	if got := b.Records[2].Row; got[0] != record.FloatOf(2.5) || got[3] != record.BoolOf(false) {
		t.Error(got)
	}
}
