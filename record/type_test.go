package record

import (
	"strings"
	"testing"
)

func TestTypes(t *testing.T) {
	for text, canonical := range map[string]string{
		"string": "", "bool": "", "int32": "", "int64": "", "float": "", "double": "", "date": "",
		"timestamp(ms)": "", "timestamp(us)": "", "bytes": "", "json": "",
		"decimal(1,0)": "", "decimal(38,38)": "", " decimal( 10 , 2 ) ": "decimal(10,2)",
		"list<string>": "", "list<list<decimal(9,2)>>": "", "list< timestamp(ms) >": "list<timestamp(ms)>",
		"struct<a:int64>": "", "struct<lat: double, lon: double>": "struct<lat:double,lon:double>",
		`struct<"Adj Close":double,the rest:json,日本:list<struct<x:bytes>>>`: `struct<Adj Close:double,the rest:json,日本:list<struct<x:bytes>>>`,
		`struct<"a,b":int32,"\"":json,"":date,"<":bool," ":bool,"\n":bool>`: "",
		`struct<"plain":struct<b:decimal(3,1),c:timestamp(us)>>`:            "struct<plain:struct<b:decimal(3,1),c:timestamp(us)>>",
	} {
		if canonical == "" {
			canonical = text
		}
		typ, err := ParseType(text)
		if err != nil || typ.String() != canonical {
			t.Errorf("%s is %v, %v", text, typ, err)
		}
		var back Type
		if again, err := typ.MarshalText(); err != nil || back.UnmarshalText(again) != nil || back != typ {
			t.Errorf("%s comes back as %v, %v", text, back, err)
		}
	}
	if any := (Type{Kind: Any}).String(); any != "any" {
		t.Error(any)
	}
}

func TestTypesRefused(t *testing.T) {
	deep := strings.Repeat("list<", MaxNesting+1) + "json" + strings.Repeat(">", MaxNesting+1)
	many := "struct<" + strings.Repeat("x:json,", MaxColumns) + "y:json>"
	for text, says := range map[string]string{
		"varchar":                      `unknown type "varchar"; there are string, bool, int32, `,
		"":                             "it ends too early",
		"String":                       "unknown type",
		"list<varchar>":                `type "list<varchar>": unknown type "varchar"; there are `,
		"decimal":                      "a decimal needs its digits; write decimal(10,2)",
		"decimal(10":                   `must be quoted, as in {price: "decimal(10,2)"}`,
		"decimal(10,":                  "must be quoted",
		"decimal(10)":                  `',' is expected where ")" stands`,
		"decimal(39,0)":                "decimal(39,0) cannot be: a decimal has 1 to 38 digits",
		"decimal(0,0)":                 "cannot be",
		"decimal(5,6)":                 "cannot be",
		"decimal(-1,0)":                `"-1" is no number of digits`,
		"decimal(999,0)":               `"999" is no number of digits`,
		"timestamp":                    "write timestamp(ms) or timestamp(us)",
		"timestamp(ns)":                `unknown unit "ns"; write timestamp(ms) or timestamp(us)`,
		"list":                         "a list needs the type of its elements, and a struct those of its fields; write list<type>",
		"list<>":                       `a type is expected where ">" stands`,
		"list<string":                  "it ends too early",
		"list<string>>":                `nothing may follow it, and ">" does`,
		"list<string, int64>":          `'>' is expected where ", int64>" stands`,
		"struct<>":                     "a field needs a name; write struct<name:type>",
		"struct<a>":                    `':' is expected where ">" stands`,
		"struct<a:int64,>":             "a field needs a name",
		"struct<a:int64,A:int64>":      `field "A": a struct has at most 1000 fields, whose names differ`,
		`struct<"a:int64>`:             "is no quoted name",
		many:                           "names differ",
		deep:                           "nest more than 16 deep; declare the column as json",
		strings.Repeat("list<", 1<<16): "nest more than",
	} {
		if _, err := ParseType(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.80s: %v, want %q", text, err, says)
		}
	}
}

func TestNestedTypes(t *testing.T) {
	fields := []Column{{Name: "a", Type: Type{Kind: Int, Short: true}}, {Name: "b c", Type: ListType(Type{Kind: Decimal, Precision: 9, Scale: 2})}}
	s := StructType(fields)
	got := s.Fields()
	if s.String() != "struct<a:int32,b c:list<decimal(9,2)>>" || len(got) != 2 || got[0] != fields[0] || got[1] != fields[1] {
		t.Errorf("%v has fields %v", s, got)
	}
	if elem := got[1].Type.Elem(); elem != (Type{Kind: Decimal, Precision: 9, Scale: 2}) {
		t.Error(elem)
	}
	for _, broken := range []Type{{Kind: List}, {Kind: Struct}, {Kind: String}} { // made by hand
		if broken.Elem().Kind != Any || broken.Fields() != nil {
			t.Errorf("%v has %v, %v", broken, broken.Elem(), broken.Fields())
		}
	}
}

func FuzzParseType(f *testing.F) {
	f.Add(`struct<"a":list<decimal(3,2)>,b:timestamp(ms)>`)
	f.Fuzz(func(t *testing.T, text string) {
		typ, err := ParseType(text)
		if err != nil {
			return
		}
		if back, err := ParseType(typ.String()); err != nil || back != typ {
			t.Fatalf("%q is %v, and that is %v, %v", text, typ, back, err)
		}
		if typ.Kind == Struct && len(typ.Fields()) == 0 || typ.Kind == List && typ.Elem().Kind == Any {
			t.Fatalf("%v has lost what it holds", typ)
		}
	})
}
