package plugin

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// canonical writes a value as compact JSON that Decode reads back: the options of structs and the keys of maps sorted, units
// as their types write them. A plugin cannot be written from its value; where one is built, the decoder writes it.
func canonical(s *shape, v reflect.Value) string {
	switch s.kind {
	case text:
		return quote(escape(v.String()))
	case boolean:
		return strconv.FormatBool(v.Bool())
	case integer:
		if v.CanUint() {
			return strconv.FormatUint(v.Uint(), 10)
		}
		return strconv.FormatInt(v.Int(), 10)
	case number:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case duration:
		return quote(time.Duration(v.Int()).String())
	case textual:
		return quote(escape(marshalled(v)))
	case list:
		texts := make([]string, v.Len())
		for i := range texts {
			texts[i] = canonical(s.elem, v.Index(i))
		}
		return "[" + strings.Join(texts, ",") + "]"
	}
	return canonicalParts(s, v)
}

func canonicalParts(s *shape, v reflect.Value) string {
	parts := map[string]string{}
	switch s.kind {
	case pairs:
		texts := make([]string, v.Len())
		for i := range texts {
			texts[i] = canonicalPair(s.elem, v.Index(i))
		}
		return "{" + strings.Join(texts, ",") + "}"
	case dict:
		for _, k := range v.MapKeys() {
			parts[k.String()] = canonical(s.elem, v.MapIndex(k))
		}
	case object:
		for _, f := range s.fields {
			if !f.unlaid {
				parts[f.name] = canonical(f.shape, v.FieldByIndex(f.index))
			}
		}
	case pointer:
		if !v.IsNil() {
			return canonical(s.elem, v.Elem())
		}
		return "null"
	default:
		return "null"
	}
	return objectText(parts)
}

func canonicalPair(s *shape, v reflect.Value) string {
	key := keyText(s.key.shape, v.FieldByIndex(s.key.index))
	if s.value != nil {
		return key + ":" + canonical(s.value.shape, v.FieldByIndex(s.value.index))
	}
	return key + ":" + canonicalParts(s, v)
}

// keyText writes a key: nothing is looked up in one, so nothing is escaped.
func keyText(s *shape, v reflect.Value) string {
	switch s.kind {
	case text:
		return quote(v.String())
	case textual:
		return quote(marshalled(v))
	}
	return quote(strings.Trim(canonical(s, v), `"`))
}

// marshalled is the text of a value that writes itself, or "" where it cannot.
func marshalled(v reflect.Value) (written string) {
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	_ = guard(v.Type().String(), func() error {
		b, err := p.Interface().(encoding.TextMarshaler).MarshalText()
		written = string(b)
		return err
	})
	return written
}

func objectText(parts map[string]string) string {
	texts := make([]string, 0, len(parts))
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		texts = append(texts, quote(name)+":"+parts[name])
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// escape keeps ${ from being read as a reference.
func escape(value string) string { return strings.ReplaceAll(value, "${", "$${") }

// quote writes a string as JSON that is YAML too: what YAML would not print, or fold as a line's end, is escaped.
func quote(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r >= 0xfe00 && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
