package plugin

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Reference writes, in Markdown, all that a file may hold which Decode reads into root: a heading and a table for the file, for each
// of its options that has options of its own, for each block, and for each plugin. What root holds are the defaults.
func (r *Registry) Reference(w io.Writer, root any) error {
	v := reflect.Indirect(reflect.ValueOf(root))
	if v.Kind() != reflect.Struct {
		return fmt.Errorf("a %T has no options; a struct is needed", root)
	}
	s, err := describe(v.Type(), nil)
	if err != nil {
		return err
	}
	var top []string
	parts := []string{""}
	for _, f := range s.fields {
		fv := v.FieldByIndex(f.index)
		top = append(top, r.row(f.name, f, fv))
		within, inner, iv := inside(f.shape, fv)
		if r.blocks[f.name] == nil && len(inner.fields) > 0 {
			parts = append(parts, r.section(f.name+strings.ReplaceAll(within, "*", "NAME"), topOfFile, inner, iv))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.blocks)) {
		b := r.blocks[name]
		if !slices.ContainsFunc(s.fields, func(f *field) bool { return f.name == name }) {
			top = append(top, fmt.Sprintf("| `%s` | options |  | %s |\n", name, cell(r.shared(b))))
		}
		parts = append(parts, r.section(name, topOfFile, b.config, b.defaults))
	}
	for _, contract := range r.contracts() {
		for _, name := range r.Names(contract) {
			e := r.plugins[contract][name]
			parts = append(parts, r.section(name, noun(contract), e.config, e.defaults))
		}
	}
	parts[0] = "## The file\n\n" + tableOf(top)
	_, err = io.WriteString(w, strings.Join(parts, "\n"))
	return err
}

// shared says what a block is for: for whatever has its options too.
func (r *Registry) shared(b *block) string {
	var by []string
	has := func(name string, s *shape) {
		if slices.ContainsFunc(s.inlined, func(in inlined) bool { return in.typ == b.config.typ }) {
			by = append(by, "`"+name+"`")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.blocks)) {
		has(name, r.blocks[name].config)
	}
	for _, contract := range r.contracts() {
		for _, name := range r.Names(contract) {
			has(name, r.plugins[contract][name].config)
		}
	}
	if len(by) == 0 {
		return "Its options stand below."
	}
	return "Where the options of the same names start from in " + strings.Join(by, ", ") + "."
}
