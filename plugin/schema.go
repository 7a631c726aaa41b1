package plugin

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
)

// JSONSchema writes a schema (draft 2020-12) of the whole file that Decode reads into root, for editors. It knows the shape of
// the file and every option; what only a plugin can judge, it lets pass.
func JSONSchema(r *Registry, root any) ([]byte, error) {
	v := reflect.Indirect(reflect.ValueOf(root))
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("a %T has no schema; a struct is needed", root)
	}
	s, err := describe(v.Type(), nil)
	if err != nil {
		return nil, err
	}
	b := &schemer{r: r, defs: schema{}}
	whole := b.object(s, v)
	for name, block := range r.blocks {
		whole["properties"].(schema)[name] = b.blockOf(block)
	}
	whole["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	whole["$defs"] = b.defs
	return json.MarshalIndent(whole, "", "  ")
}

type schema map[string]any

// schemer is one run of JSONSchema.
type schemer struct {
	r    *Registry
	defs schema // of contracts, by noun: they may hold one another
}

// reference stands for a value that is not known before the file is read.
var reference = schema{"type": "string", "pattern": `\$\{`}

// of gives the schema of a shape; v holds its defaults.
func (b *schemer) of(s *shape, enum []string, v reflect.Value) schema {
	switch s.kind {
	case object:
		return b.options(s, v)
	case list:
		return schema{"type": "array", "items": b.of(s.elem, enum, elemOf(s, v))}
	case pairs, dict:
		return schema{"type": "object", "additionalProperties": b.element(s, enum, v)}
	case pointer:
		return either(b.of(s.elem, enum, elemOf(s, v)), schema{"type": "null"})
	case contract:
		return either(b.contract(s.typ), schema{"type": "null"})
	case boolean:
		return either(schema{"type": "boolean"}, reference)
	case number:
		return either(schema{"type": "number"}, reference)
	case integer:
		return either(integers(s.typ), reference)
	}
	if len(enum) > 0 {
		return either(schema{"enum": enum}, reference)
	}
	return scalarOf(s.pattern(v))
}

// pattern is the regular expression that the text of a scalar fits; "" where there is none to say.
func (s *shape) pattern(v reflect.Value) string {
	if s.kind == duration {
		return `^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d))+$`
	}
	if p, ok := v.Interface().(interface{ Pattern() string }); ok && s.kind == textual {
		return p.Pattern()
	}
	return ""
}

// scalarOf is the schema of text. YAML's own reading of a scalar is not asked, unless nothing that it reads otherwise would fit.
func scalarOf(pattern string) schema {
	if pattern == "" {
		return schema{"type": []string{"string", "number", "boolean"}}
	}
	types := []string{"string"}
	if fits, err := regexp.MatchString(pattern, "10"); fits || err != nil {
		types = append(types, "number")
	}
	return either(schema{"type": types, "pattern": pattern}, reference)
}

func either(of ...schema) schema { return schema{"anyOf": of} }

func integers(t reflect.Type) schema {
	s := schema{"type": "integer"}
	if v := reflect.Zero(t); v.CanUint() {
		s["minimum"], s["maximum"] = 0, uint64(math.MaxUint64)>>(64-t.Bits())
	} else {
		most := int64(math.MaxInt64) >> (64 - t.Bits())
		s["minimum"], s["maximum"] = -most-1, most
	}
	return s
}

// element is the schema of a mapping's values.
func (b *schemer) element(s *shape, enum []string, v reflect.Value) schema {
	e := elemOf(s, v)
	if f := s.elem.value; s.kind == pairs && f != nil {
		return b.of(f.shape, f.enum, e.FieldByIndex(f.index))
	}
	return b.of(s.elem, enum, e)
}

// options is the schema of a struct, or of its short form.
func (b *schemer) options(s *shape, v reflect.Value) schema {
	if f := s.short; f != nil {
		return either(b.of(f.shape, f.enum, v.FieldByIndex(f.index)), b.object(s, v))
	}
	return b.object(s, v)
}

func (b *schemer) object(s *shape, v reflect.Value) schema {
	properties, required := schema{}, []string{}
	for _, f := range s.fields {
		fv := v.FieldByIndex(f.index)
		p := b.of(f.shape, f.enum, fv)
		if f.required {
			p = filled(f.shape, p)
		}
		if f.doc != "" {
			p["description"] = f.doc
		}
		if f.byDefault != "" {
			p["default"] = f.byDefault
		} else if !fv.IsZero() && f.shape.kind != object && f.shape.kind != contract {
			p["default"] = json.RawMessage(canonical(f.shape, fv))
		}
		if properties[f.name] = p; b.asks(f, fv) {
			required = append(required, f.name)
		}
	}
	slices.Sort(required)
	return schema{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// asks tells whether an option has to be given: for itself, or for one that stands within it.
func (b *schemer) asks(f *field, v reflect.Value) bool {
	if own := b.r.blocks[f.name]; own != nil && own.config.typ == f.shape.typ { // of which nothing is required
		return false
	}
	if f.shape.kind == object {
		return slices.ContainsFunc(f.shape.fields, func(in *field) bool { return b.asks(in, v.FieldByIndex(in.index)) })
	}
	return f.required && v.IsZero() && b.r.block(f) == ""
}

// filled is the schema p of a shape, of values that are not empty.
func filled(s *shape, p schema) schema {
	switch s.kind {
	case text:
		p["minLength"] = 1
	case list:
		p["minItems"] = 1
	case pairs, dict:
		p["minProperties"] = 1
	case contract, pointer:
		return p["anyOf"].([]schema)[0] // which null is not
	}
	return p
}

// blockOf is the schema of a block, of which nothing is required.
func (b *schemer) blockOf(block *block) schema {
	s := b.object(block.config, block.defaults)
	delete(s, "required")
	return s
}

// contract defines, once, a plugin's name or a mapping of it to its options.
func (b *schemer) contract(t reflect.Type) schema {
	name := noun(t)
	ref := schema{"$ref": "#/$defs/" + name}
	if b.defs[name] != nil {
		return ref
	}
	b.defs[name] = schema{} // while its plugins, which may hold others of the contract, are written
	names, properties := append([]string{}, b.r.Names(t)...), schema{}
	for _, n := range names {
		e := b.r.plugins[t][n]
		properties[n] = either(b.options(e.config, e.defaults), schema{"type": "null"})
	}
	b.defs[name] = either(schema{"enum": names}, reference, schema{
		"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
	})
	return ref
}
