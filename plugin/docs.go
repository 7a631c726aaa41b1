package plugin

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Docs writes, in Markdown, the options of every plugin and block of that name: a heading and a Table for each.
func (r *Registry) Docs(w io.Writer, name string) error {
	var parts, known []string
	for _, contract := range r.contracts() {
		known = append(known, r.Names(contract)...)
		if e := r.plugins[contract][name]; e != nil {
			parts = append(parts, r.section(name, noun(contract), e.config, e.defaults))
		}
	}
	known = append(known, slices.Sorted(maps.Keys(r.blocks))...)
	if b := r.blocks[name]; b != nil {
		parts = append(parts, r.section(name, topOfFile, b.config, b.defaults))
	}
	if len(parts) == 0 {
		slices.Sort(known)
		return fmt.Errorf("there is no plugin %q%s", name, suggest(name, slices.Compact(known)))
	}
	_, err := io.WriteString(w, strings.Join(parts, "\n"))
	return err
}

// Table writes, as a Markdown table, the options of a struct whose value holds the defaults.
func (r *Registry) Table(w io.Writer, options any) error {
	v := reflect.Indirect(reflect.ValueOf(options))
	if v.Kind() != reflect.Struct {
		return fmt.Errorf("a %T has no options; a struct is needed", options)
	}
	s, err := describe(v.Type(), nil)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, r.table(s, v))
	return err
}

func (r *Registry) contracts() []reflect.Type {
	return slices.SortedFunc(maps.Keys(r.plugins), func(a, b reflect.Type) int { return strings.Compare(noun(a), noun(b)) })
}

const topOfFile = "top of the file"

func (r *Registry) section(name, what string, s *shape, defaults reflect.Value) string {
	return fmt.Sprintf("## %s (%s)\n\n%s", name, what, r.table(s, defaults))
}

func (r *Registry) table(s *shape, defaults reflect.Value) string {
	return tableOf(r.rows("", s, defaults))
}

func tableOf(rows []string) string {
	if len(rows) == 0 {
		return "It has no options.\n"
	}
	return "| option | takes | default | what it is |\n|---|---|---|---|\n" + strings.Join(rows, "")
}

// rows gives a line an option, and below it a line for each option that stands within it.
func (r *Registry) rows(prefix string, s *shape, v reflect.Value) (rows []string) {
	within, s, v := inside(s, v)
	for _, f := range s.fields {
		name := strings.TrimPrefix(prefix+within+"."+f.name, ".")
		fv := v.FieldByIndex(f.index)
		rows = append(rows, r.row(name, f, fv))
		rows = append(rows, r.rows(name, f.shape, fv)...)
	}
	return rows
}

func (r *Registry) row(name string, f *field, v reflect.Value) string {
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, cell(f.takes()), cell(r.defaultOf(f, v)), cell(f.doc))
}

// inside is whose the options are that stand within a shape, an element's or its own, and how their names go on.
func inside(s *shape, v reflect.Value) (within string, _ *shape, _ reflect.Value) {
	for {
		switch {
		case s.elem != nil:
			within += map[kind]string{list: "[]", pairs: ".*", dict: ".*"}[s.kind]
			s, v = s.elem, elemOf(s, v)
		case s.value != nil:
			s, v = s.value.shape, v.FieldByIndex(s.value.index)
		default:
			return within, s, v
		}
	}
}

// elemOf is what an element of a list or mapping, or what a pointer points to, starts from.
func elemOf(s *shape, v reflect.Value) reflect.Value {
	if s.kind == pointer && !v.IsNil() {
		return v.Elem()
	}
	to := reflect.New(s.elem.typ)
	if d, ok := to.Interface().(interface{ Default() }); ok {
		d.Default()
	}
	return to.Elem()
}

// block is the name of the block that an option starts from, or "".
func (r *Registry) block(f *field) string {
	for name, b := range r.blocks {
		if slices.Contains(f.from, b.config.typ) {
			return name
		}
	}
	return ""
}

func (r *Registry) defaultOf(f *field, v reflect.Value) string {
	switch block := r.block(f); {
	case block != "":
		return fmt.Sprintf("`%s` of `%s`", f.name, block)
	case f.byDefault != "":
		return "`" + f.byDefault + "`"
	case f.required && v.IsZero():
		return "required"
	case v.IsZero() && f.shape.kind != textual || f.shape.kind == object || f.shape.kind == pointer:
		return ""
	}
	written := canonical(f.shape, v)
	if plain, err := strconv.Unquote(written); err == nil {
		written = plain
	}
	if f.shape.kind == duration {
		written = zeroes.ReplaceAllString(written, "$1")
	}
	if written == "" {
		return ""
	}
	return "`" + written + "`"
}

// zeroes are the units that end a duration and add nothing to it.
var zeroes = regexp.MustCompile(`([mh])(0m)?0s$`)

// takes says what an option is given.
func (f *field) takes() string {
	if len(f.enum) == 0 {
		return f.shape.takes()
	}
	words := "`" + strings.Join(f.enum, "`, `") + "`"
	if f.shape.kind == list {
		return "list of " + words
	}
	return words
}

func (s *shape) takes() string {
	switch s.kind {
	case list:
		return "list of " + s.elem.takes()
	case pairs, dict:
		of := s.elem
		if of.value != nil {
			of = of.value.shape
		}
		return "mapping of names to " + of.takes()
	case pointer:
		return s.elem.takes()
	case contract:
		return noun(s.typ)
	case object:
		if s.short != nil {
			return "options, or " + s.short.name
		}
		return "options"
	case textual:
		if s.typ != sizeType && s.typ != rateType {
			return "text"
		}
	case boolean:
		return "true or false"
	}
	return strings.TrimPrefix(s.calls(), "a ")
}

// cell keeps text within its cell, and what stands in angle brackets from being taken for HTML.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "\n", " ").Replace(s)
}
