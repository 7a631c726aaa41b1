package plugin

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// kind is how a type is written in YAML.
type kind int

const (
	text     kind = iota // string
	textual              // whatever reads and writes itself as text
	boolean              //
	integer              // signed or not
	number               // float
	duration             //
	list                 // slice
	pairs                // slice whose elements have a key: a mapping whose order counts
	dict                 // map
	object               // struct
	pointer              // what it points to, or null
	contract             // interface: a plugin
)

// shape describes a type: what decoding, the canonical text, the documentation and the schema are made from.
type shape struct {
	kind   kind
	typ    reflect.Type
	elem   *shape // of list, pairs, dict and pointer
	fields []*field
	// Of an object, where there are such fields:
	key, value, short *field
	line, layout      []int
	inlined           []inlined
}

// inlined is a struct whose fields are counted among another's.
type inlined struct {
	typ   reflect.Type
	index []int
}

// field is one option of an object.
type field struct {
	name, doc, byDefault string
	required             bool
	unlaid               bool // not part of the canonical text
	secret               bool // never printed
	enum                 []string
	index                []int
	shape                *shape
	from                 []reflect.Type // the inlined structs it comes from
}

var (
	durationType    = reflect.TypeFor[time.Duration]()
	unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	marshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	sizeType        = reflect.TypeFor[Size]()
	rateType        = reflect.TypeFor[Rate]()
)

// describe makes the shape of t; within are the structs it stands in.
func describe(t reflect.Type, within []reflect.Type) (*shape, error) {
	if s, ok := simple(t); ok {
		return s, nil
	}
	s := &shape{kind: list, typ: t}
	switch t.Kind() {
	case reflect.Struct:
		return describeObject(t, within)
	case reflect.Pointer:
		s.kind = pointer
	case reflect.Map:
		if s.kind = dict; t.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("a %v has keys other than text", t)
		}
	case reflect.Slice:
	default:
		return nil, fmt.Errorf("a %v cannot be written in YAML", t)
	}
	elem, err := describe(t.Elem(), within)
	if err != nil {
		return nil, err
	}
	if s.elem = elem; s.kind == list && elem.key != nil {
		s.kind = pairs
	}
	return s, nil
}

func simple(t reflect.Type) (*shape, bool) {
	s := &shape{typ: t}
	switch p := reflect.PointerTo(t); {
	case t.Kind() == reflect.Interface && t.NumMethod() > 0:
		s.kind = contract
	case t == durationType:
		s.kind = duration
	case t.Kind() != reflect.Pointer && p.Implements(unmarshalerType) && p.Implements(marshalerType):
		s.kind = textual
	default:
		switch t.Kind() {
		case reflect.String:
			s.kind = text
		case reflect.Bool:
			s.kind = boolean
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
			reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			s.kind = integer
		case reflect.Float32, reflect.Float64:
			s.kind = number
		default:
			return nil, false
		}
	}
	return s, true
}

func describeObject(t reflect.Type, within []reflect.Type) (*shape, error) {
	if slices.Contains(within, t) {
		return nil, fmt.Errorf("%v contains itself", t)
	}
	s := &shape{kind: object, typ: t}
	if err := s.addFields(t, append(within, t), field{}); err != nil {
		return nil, err
	}
	return s, nil
}

// addFields counts the fields of t among the shape's; outer is the inlined field they stand in.
func (s *shape) addFields(t reflect.Type, within []reflect.Type, outer field) error {
	for i := range t.NumField() {
		g := t.Field(i)
		tag, tagged := g.Tag.Lookup("yaml")
		if !tagged && !g.IsExported() || tag == "-" {
			continue
		}
		if !tagged || !g.IsExported() && !g.Anonymous {
			return fmt.Errorf("field %v.%s is exported without a yaml tag, or tagged without being exported", t, g.Name)
		}
		if err := s.addField(g, tag, within, outer); err != nil {
			return fmt.Errorf("field %v.%s: %w", t, g.Name, err)
		}
	}
	return nil
}

func (s *shape) addField(g reflect.StructField, tag string, within []reflect.Type, outer field) error {
	f := &field{
		doc: g.Tag.Get("doc"), byDefault: g.Tag.Get("default"), required: g.Tag.Get("required") == "true",
		unlaid: outer.unlaid || g.Tag.Get("layout") == "-",
		secret: outer.secret || g.Tag.Get("secret") == "true",
		index:  append(slices.Clone(outer.index), g.Index...), from: outer.from,
	}
	if e := g.Tag.Get("enum"); e != "" {
		f.enum = strings.Split(e, "|")
	}
	name, role, _ := strings.Cut(tag, ",")
	f.name = name
	f.secret = f.secret || secretive(name)
	f.unlaid = f.unlaid || f.secret
	switch role {
	case "line":
		s.line = f.index
		return kindIs(g.Type, reflect.Int)
	case "layout":
		s.layout = f.index
		return kindIs(g.Type, reflect.String)
	case "inline":
		s.inlined = append(s.inlined, inlined{g.Type, f.index})
		f.from = append(slices.Clone(f.from), g.Type)
		if slices.Contains(within, g.Type) {
			return fmt.Errorf("%v contains itself", g.Type)
		}
		if err := kindIs(g.Type, reflect.Struct); err != nil {
			return err
		}
		return s.addFields(g.Type, append(within, g.Type), *f)
	}
	return s.addOption(g.Type, f, role, within)
}

func (s *shape) addOption(t reflect.Type, f *field, role string, within []reflect.Type) (err error) {
	if f.shape, err = describe(t, within); err != nil {
		return err
	}
	taken := slices.ContainsFunc(s.fields, func(o *field) bool { return o.name == f.name })
	switch {
	case f.byDefault != "" && f.shape.kind != contract:
		return fmt.Errorf("only a plugin has a default tag; the struct's value holds the defaults")
	case role == "key" && f.name == "":
		s.key = f
		return nil
	case role == "value" && f.name == "":
		s.value = f
		return nil
	case role != "" && role != "short" || f.name == "" || taken:
		return fmt.Errorf("yaml:%q is not understood, or stands twice", f.name+","+role)
	case role == "short":
		s.short = f
	}
	s.fields = append(s.fields, f)
	return nil
}

func kindIs(t reflect.Type, k reflect.Kind) error {
	if t.Kind() != k {
		return fmt.Errorf("a %v cannot have that tag; it must be a %v", t, k)
	}
	return nil
}

// noun is what a contract's plugins are called: sink for sink.Sink.
func noun(t reflect.Type) string { return strings.ToLower(t.Name()) }

// calls says what stands for a shape, with its article, in messages.
func (s *shape) calls() string {
	switch s.kind {
	case list:
		return "a list"
	case pairs, dict:
		return "a mapping"
	case object:
		return "a mapping of options"
	case pointer:
		return s.elem.calls()
	case contract:
		return fmt.Sprintf("a %s's name, or a mapping of its name to its options", noun(s.typ))
	case boolean:
		return "true or false"
	case integer:
		return "a whole number"
	case number:
		return "a number"
	case duration:
		return "a duration"
	case textual:
		return "a " + strings.ToLower(s.typ.Name())
	}
	return "text"
}

// example says how options are written.
func (s *shape) example() string {
	var names []string
	for _, f := range s.fields {
		if f.required {
			names = append(names, f.name+": ...")
		}
	}
	if len(names) == 0 && len(s.fields) > 0 {
		names = []string{s.fields[0].name + ": ..."}
	}
	return "each by its name, as in {" + strings.Join(names, ", ") + "}"
}
