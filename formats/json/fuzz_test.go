package json

import (
	"bytes"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/penstock/penstock/record"
)

// FuzzDecode holds verdicts and cells against encoding/json.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":"x"}`, `{"a":1.5e3,"b":null,"c":[{}]}`, `[1]`, `{"a":-}`, `{"b":"\ud800\u0041"}`, `{"a":1}-`, `1 "\`,
		`{"e":[1,"\n",{"a":[]} , null]}`, `{"a":1,"e":[ ],"\u0062":"\t"}`, `{"i":1e3,"y":"AAE=","t":true,"s":{"x":1,"x":2}}`,
		`{"s":{"x":{"y":1,"z":[2]},"y":"\ud83d\ude00","\u0079":1}}`, `{"i":-0,"d":-0.0,"a":-0}`, `{"d":1e400}`, `{"i":9223372036854775808,"s":{}}`,
		`{"b":"\ud800\ud83d\ude00"}`, strings.Repeat("[", 501), `{"c":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "\xef\xbb\xbf{}", " ", `{"b":"\x00"}`,
	} {
		f.Add(s)
	}
	columns := []string{"a", "any", "b", "string", "c", "json", "d", "double", "i", "int64", "t", "bool", "y", "bytes", "e", "list<json>", "s", "struct<x:json,y:string>"}
	codec := newCodec(f)
	f.Fuzz(func(t *testing.T, text string) {
		b := batch(t, nil, text)
		if err := codec.Decode(b); err != nil {
			t.Fatal(err)
		}
		sound, valid := len(b.Bad) == 0, stdjson.Valid([]byte(text))
		if sound && !valid || !sound && valid && !errors.Is(b.Bad[0].Err, errUTF8) && !errors.Is(b.Bad[0].Err, errDepth) {
			t.Fatalf("%q: %v, but encoding/json says %v", text, b.Bad, valid)
		}
		b = batch(t, columns, text)
		if err := codec.Decode(b); err != nil {
			t.Fatal(err)
		}
		if !sound {
			if len(b.Bad) == 0 {
				t.Fatalf("%q is bad without columns only", text)
			}
			return
		}
		members, ok := membersOf(text)
		want, why := expected(members, b.Schema.Columns)
		if !ok {
			why = "no object"
		}
		switch {
		case (len(b.Bad) == 0) != (why == ""):
			t.Fatalf("%q: %v, want %q", text, b.Bad, why)
		case why == "" && !slices.Equal(b.Records[0].Row, want):
			t.Fatalf("%q is %+v, want %+v", text, b.Records[0].Row, want)
		case why == "":
			if err := codec.Encode(b); err != nil || !stdjson.Valid(b.Records[0].Value) {
				t.Fatalf("%q is written %q, %v", text, b.Records[0].Value, err)
			}
		}
	})
}

// pair is a member of an object, as encoding/json has it.
type pair struct {
	name string
	raw  string
}

// membersOf takes an object apart, in order, with those that stand twice.
func membersOf(text string) (all []pair, ok bool) {
	d := stdjson.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != stdjson.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		var raw stdjson.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, false
		}
		all = append(all, pair{name.(string), string(raw)})
	}
	return all, true
}

// expected is the row that members make, or why they make none.
func expected(members []pair, columns []record.Column) (row []record.Value, why string) {
	row = make([]record.Value, len(columns))
	seen := map[string]bool{}
	for _, m := range members {
		i := slices.IndexFunc(columns, func(c record.Column) bool { return c.Name == m.name })
		if i < 0 {
			continue
		}
		ok := !seen[m.name]
		if seen[m.name] = true; ok {
			row[i], ok = cellOf(m.raw, columns[i].Type)
		}
		if !ok {
			return nil, m.name + ": " + m.raw
		}
	}
	return row, ""
}

// cellOf is the cell that encoding/json's reading of a value gives.
func cellOf(raw string, t record.Type) (record.Value, bool) {
	var v any
	d := stdjson.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return record.Value{}, false
	}
	if v == nil {
		return record.Value{}, true
	}
	if t.Kind == record.JSON {
		return record.JSONOf(raw), true
	}
	switch v := v.(type) {
	case bool:
		return record.BoolOf(v), t.Kind == record.Bool || t.Kind == record.Any
	case string:
		return textCell(v, t)
	case stdjson.Number:
		return numberOf(raw, t)
	case []any:
		if t.Kind == record.List {
			return listOf(raw)
		}
	case map[string]any:
		if t.Kind == record.Struct {
			members, _ := membersOf(raw)
			cells, why := expected(members, t.Fields())
			return record.StructOf(cells...), why == ""
		}
	}
	return record.JSONOf(raw), t.Kind == record.Any
}

func textCell(v string, t record.Type) (record.Value, bool) {
	if t.Kind == record.Bytes {
		raw, err := base64.StdEncoding.DecodeString(v)
		return record.BytesOf(string(raw)), err == nil
	}
	return record.StringOf(v), t.Kind == record.String || t.Kind == record.Any
}

// listOf is of elements that may be any JSON.
func listOf(raw string) (record.Value, bool) {
	var elems []stdjson.RawMessage
	if err := stdjson.Unmarshal([]byte(raw), &elems); err != nil {
		return record.Value{}, false
	}
	cells := make([]record.Value, len(elems))
	for i, e := range elems {
		cells[i], _ = cellOf(string(e), record.Type{Kind: record.JSON})
	}
	return record.ListOf(cells...), true
}

func numberOf(raw string, t record.Type) (record.Value, bool) {
	f, err := strconv.ParseFloat(raw, 64)
	switch t.Kind {
	case record.Float:
		return record.FloatOf(f), err == nil
	case record.Int:
		n, ok := wholeOf(raw)
		return record.IntOf(n), ok
	case record.Any:
		if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
			return record.IntOf(n), true
		}
		v := record.FloatOf(f)
		v.Str = raw
		return v, err == nil
	}
	return record.Value{}, false
}

// wholeOf is an integer, however it is written.
func wholeOf(raw string) (int64, bool) {
	if f, _ := strconv.ParseFloat(raw, 64); math.Abs(f) > 1e19 {
		return 0, false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(raw), "e")
	if strings.Trim(mantissa, "-0.") == "" {
		return 0, true
	}
	if n, err := strconv.Atoi(exponent); exponent != "" && (err != nil || n < -2000 || n > 2000) && len(raw) < 1000 {
		return 0, false // not 0, and not below 1e19: it has a fraction
	}
	r, ok := new(big.Rat).SetString(raw)
	return r.Num().Int64(), ok && r.IsInt() && r.Num().IsInt64()
}

// FuzzLines: of what the codec takes, every line is one of JSON, and says what the value says but for the member that is cut out.
func FuzzLines(f *testing.F) {
	f.Add(`{"a":1,"b":[{"a":2}],"a":null , "c":"\"}"}`, "a")
	f.Add(` { "b" : 1 , "a":{}}`, "a")
	f.Add(`{"a":1,}`, "a")
	f.Add(`{"a\\":"\\\"","\u0061":[[],{"x":"]"}],"b":-1.5e3}`, "a")
	f.Add("{\n\t\"a\" :\ttrue\n,\r\n\"b\":false}\n", "b")
	f.Add(`{"\ud800\ud83d\ude00":1,"x":2}`, "\ufffd\U0001f600")
	f.Add("[1,\r2]\r\n", "")
	codec := newCodec(f)
	f.Fuzz(func(t *testing.T, text, name string) {
		b := batch(t, nil, text)
		if err := codec.Decode(b); err != nil {
			t.Fatal(err)
		}
		if len(b.Bad) > 0 { // it never reaches a file, but must not end the process either
			_, _ = cut(nil, []byte(text), []string{name})
			return
		}
		whole, err := encodeLines(nil, text, text)
		if line := lineOf(t, whole, err); compact(t, line) != compact(t, text) {
			t.Fatalf("%q becomes %q", text, line)
		}
		members, object := membersOf(text)
		added := &record.Schema{Cut: []string{name}}
		got, err := encodeLines(added, text, text)
		if !object {
			if !errors.Is(err, errNotObject) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		kept := slices.DeleteFunc(slices.Clone(members), func(m pair) bool { return m.name == name })
		line := lineOf(t, got, err)
		if rest, _ := membersOf(line); !slices.EqualFunc(rest, kept, alike(t)) {
			t.Fatalf("%q without %q becomes %q", text, name, line)
		}
		if len(kept) == len(members) && line != strings.NewReplacer("\n", "", "\r", "").Replace(text) {
			t.Fatalf("%q becomes %q, and there is no %q to cut out", text, line, name)
		}
		checkAdded(t, text, name, kept)
	})
}

// checkAdded cuts and adds a member in one go.
func checkAdded(t *testing.T, text, name string, kept []pair) {
	if !utf8.ValidString(name) {
		return
	}
	s := &record.Schema{Cut: []string{name}, Columns: []record.Column{{Name: name, Type: record.Type{Kind: record.String}}}}
	w := new(bytes.Buffer)
	e, err := lines{compression: "none"}.NewEncoder(w, s)
	if err != nil {
		t.Fatal(err)
	}
	rows := []record.Record{{Value: []byte(text), Row: []record.Value{record.StringOf(name)}}}
	err = errors.Join(e.Encode(rows), e.Close())
	quoted, _ := stdjson.Marshal(name)
	line := strings.TrimSuffix(w.String(), "\n")
	got, _ := membersOf(line)
	if err != nil || !stdjson.Valid([]byte(line)) || !slices.EqualFunc(got, append(kept, pair{name, string(quoted)}), alike(t)) {
		t.Fatalf("%q with another %q becomes %q, %v", text, name, line, err)
	}
}

// lineOf is one of two equal lines.
func lineOf(t *testing.T, two string, err error) string {
	line, rest, _ := strings.Cut(two, "\n")
	if err != nil || rest != line+"\n" || strings.Contains(line, "\r") || !stdjson.Valid([]byte(line)) {
		t.Fatalf("%q: %v", two, err)
	}
	return line
}

func alike(t *testing.T) func(a, b pair) bool {
	return func(a, b pair) bool {
		same := func(x, y string) bool {
			var s, u string
			if stdjson.Unmarshal([]byte(x), &s) == nil && stdjson.Unmarshal([]byte(y), &u) == nil {
				return s == u
			}
			return compact(t, x) == compact(t, y)
		}
		return a.name == b.name && same(a.raw, b.raw)
	}
}

func compact(t *testing.T, text string) string {
	var b bytes.Buffer
	if err := stdjson.Compact(&b, []byte(text)); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b.String()
}

func FuzzParseFloat(f *testing.F) {
	for _, s := range []string{"0", "-0", "-0.0", "2568.300049", "9007199254740993", "9007199254740992.1", "0.000000000000001", "123456789012345678", "1e22", "99999999999999.99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !stdjson.Valid([]byte(s)) || strings.Trim(s, "+-.0123456789eE") != "" {
			return
		}
		var n number
		if end := scanNumber([]byte(s), 0, &n); end != len(s) {
			t.Fatalf("%s ends at %d", s, end)
		}
		got, ok := n.float(s)
		want, err := strconv.ParseFloat(s, 64)
		if ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s is %v, %v; want %v, %v", s, got, ok, want, err)
		}
	})
}
