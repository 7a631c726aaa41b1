package csv

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"

	"github.com/penstock/penstock/record"
)

// shape is a type, taken apart.
type shape struct {
	record.Type
	elem   *shape // of a List
	names  []string
	fields []shape // of a Struct
}

func shapeOf(t record.Type) shape {
	s := shape{Type: t}
	switch t.Kind {
	case record.List:
		elem := shapeOf(t.Elem())
		s.elem = &elem
	case record.Struct:
		for _, f := range t.Fields() {
			s.names, s.fields = append(s.names, f.Name), append(s.fields, shapeOf(f.Type))
		}
	}
	return s
}

// set makes v what value gives: at once, where many cells are of the kind.
func (s *shape) set(v *record.Value, b *record.Batch, text []byte) (ok bool) {
	switch {
	case len(text) == 0:
		*v = record.Value{}
		return true
	case s.Kind == record.String:
		v.Kind, v.Scale, v.Num, v.Str = record.String, 0, 0, alias(text)
		return true
	case s.Kind == record.Float && !isNaN(text):
		return setFloat(v, text, s.Short)
	}
	*v, ok = s.value(b, text)
	return ok
}

// value is the cell of a shape that text says, or ok = false. A list or struct is JSON in its cell. Str lies in the memory of text or b.
func (s *shape) value(b *record.Batch, text []byte) (v record.Value, ok bool) {
	if len(text) == 0 {
		return v, true
	}
	switch s.Kind {
	case record.Decimal:
		if isNaN(text) {
			return v, true
		}
		return b.Decimal(alias(text), s.Type)
	case record.Bytes:
		raw, err := base64.StdEncoding.AppendDecode(nil, text)
		return record.BytesOf(alias(raw)), err == nil
	case record.List, record.Struct:
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if v, ok = s.read(b, d); ok {
			_, err := d.Token()
			ok = err == io.EOF
		}
		return v, ok
	}
	return value(text, s.Type)
}

// read is the value that comes next in d.
func (s *shape) read(b *record.Batch, d *json.Decoder) (v record.Value, ok bool) {
	if s.Kind == record.JSON {
		var raw json.RawMessage
		err := d.Decode(&raw)
		return record.JSONOf(alias(raw)), err == nil
	}
	token, err := d.Token()
	if err != nil {
		return v, false
	}
	switch token := token.(type) {
	case nil:
		return v, true
	case string:
		if s.Kind == record.String {
			return record.StringOf(token), true
		}
		if token == "" || s.Kind == record.Bool || s.Kind == record.Int || s.Kind == record.Float || s.nested() {
			return v, false
		}
		return s.value(b, []byte(token))
	case json.Number:
		if s.Kind != record.Int && s.Kind != record.Float && s.Kind != record.Decimal && s.Kind != record.Timestamp {
			return v, false
		}
		return s.value(b, []byte(token))
	case bool:
		return record.BoolOf(token), s.Kind == record.Bool
	}
	switch token {
	case json.Delim('['):
		return s.list(b, d)
	case json.Delim('{'):
		return s.structure(b, d)
	}
	return v, false
}

func (s *shape) nested() bool { return s.Kind == record.List || s.Kind == record.Struct }

func (s *shape) list(b *record.Batch, d *json.Decoder) (v record.Value, ok bool) {
	if s.Kind != record.List {
		return v, false
	}
	var cells []record.Value
	for d.More() {
		v, ok := s.elem.read(b, d)
		if !ok {
			return v, false
		}
		cells = append(cells, v)
	}
	_, err := d.Token()
	return record.ListOf(cells...), err == nil
}

// structure refuses members that the struct has not, and those that stand twice.
func (s *shape) structure(b *record.Batch, d *json.Decoder) (v record.Value, ok bool) {
	if s.Kind != record.Struct {
		return v, false
	}
	cells, seen := make([]record.Value, len(s.fields)), make([]bool, len(s.fields))
	for d.More() {
		name, err := d.Token()
		i := s.field(name)
		if err != nil || i < 0 || seen[i] {
			return v, false
		}
		seen[i] = true
		if cells[i], ok = s.fields[i].read(b, d); !ok {
			return v, false
		}
	}
	_, err := d.Token()
	return record.StructOf(cells...), err == nil
}

func (s *shape) field(name json.Token) int {
	for i := range s.names {
		if s.names[i] == name {
			return i
		}
	}
	return -1
}
