// Package plugin turns YAML into live values: a registry of what there is by name, and the walker that reads a file into
// configuration structs and builds every plugin the file names.
//
// A plugin's configuration is one tagged struct whose value holds the defaults. Decoding, the documentation and the schema for
// editors are all made from it:
//
//	yaml:"name"        the option's name; "-" for a field that is none
//	yaml:",inline"     a struct whose options stand among this one's
//	yaml:"name,short"  a scalar, or a sequence for a slice, in place of the whole mapping sets this option
//	yaml:",key"        in the struct of a slice: the slice is written as a mapping, in order, and this field takes the key ...
//	yaml:",value"      ... and this one the value; without it the value's own options are the struct's other fields
//	yaml:",line"       an int that receives the line where the struct is introduced
//	yaml:",layout"     a string that receives the struct's canonical text, before Check and before any constructor
//	doc:"a sentence"   required:"true"   enum:"a|b|c"
//	default:"json"     for a plugin: which one, with its defaults, where the file names none
//	layout:"-"         does not decide names, rows or verdicts, and so is no part of the canonical text
//	secret:"true"      is never printed (see Mask), and no part of the canonical text; names such as password or token say so themselves
//
// A field may be a string, bool, number, time.Duration, Size or Rate, a slice, a map with string keys, a struct, a pointer
// (null, or leaving it out, is nil), anything that is an encoding.TextUnmarshaler and TextMarshaler, or an interface that
// plugins are registered for.
//
// A type that reads itself as text may have a method Pattern, which gives a regular expression that all of its texts fit, for the schema.
//
// A struct may have two methods. Default, on the pointer, fills one that has no defaults above it: an element of a list or
// mapping, or what a pointer points to. Check, for rules that join options, is called once the struct is read; it changes nothing.
// Where something in the struct is unsound, that stands at its default or is nil, and of what Check says only that counts which is
// about an option (see Option) without a problem of its own; of a block, only what is about an option that the file gives. A constructor is called with sound options only.
package plugin

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Registry knows plugins by contract and name, the blocks that configurations share, and the secrets of the files that were read with
// it. Fill it first: Decode and Mask are safe for concurrent use.
type Registry struct {
	plugins map[reflect.Type]map[string]*entry
	blocks  map[string]*block
	hidden  *vault
}

type entry struct {
	config   *shape
	defaults reflect.Value
	build    func(config reflect.Value) (reflect.Value, error)
}

type block struct {
	config   *shape
	defaults reflect.Value
}

// New makes an empty registry.
func New() *Registry {
	return &Registry{plugins: map[reflect.Type]map[string]*entry{}, blocks: map[string]*block{}, hidden: &vault{}}
}

// Add makes a plugin of contract T known by name. It panics on what only a programmer can mend: a name that is taken, a T that
// is no interface, a C that is no struct of fields as above. A constructor touches nothing outside the process.
func Add[C, T any](r *Registry, name string, defaults C, build func(C) (T, error)) {
	contract := reflect.TypeFor[T]()
	if contract.Kind() != reflect.Interface || name == "" {
		panic(fmt.Sprintf("plugin %q: %v is not an interface, or the name is empty", name, contract))
	}
	if r.plugins[contract] == nil {
		r.plugins[contract] = map[string]*entry{}
	}
	if r.plugins[contract][name] != nil {
		panic(fmt.Sprintf("plugin %q: there is a %s of that name already", name, noun(contract)))
	}
	r.plugins[contract][name] = &entry{mustDescribe[C](name), reflect.ValueOf(defaults), func(c reflect.Value) (reflect.Value, error) {
		made, err := build(c.Interface().(C))
		return reflect.ValueOf(&made).Elem(), err
	}}
}

// Block makes a top-level block known by name. Every configuration with an inlined C, however deep, and every block, starts from
// the block's value in the file. It panics as Add does.
func Block[C any](r *Registry, name string, defaults C) {
	made := &block{mustDescribe[C](name), reflect.ValueOf(defaults)}
	for other, b := range r.blocks {
		if other == name || b.config.typ == made.config.typ {
			panic(fmt.Sprintf("block %q: block %q has that name or that type already", name, other))
		}
	}
	r.blocks[name] = made
}

// blockNames lists the blocks, each after those that it inlines: it counts theirs among its own, and so has more.
func (r *Registry) blockNames() []string {
	return slices.SortedFunc(maps.Keys(r.blocks), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(r.blocks[a].config.inlined), len(r.blocks[b].config.inlined)), cmp.Compare(a, b))
	})
}

// Names lists the plugins of a contract, sorted.
func (r *Registry) Names(contract reflect.Type) []string {
	return slices.Sorted(maps.Keys(r.plugins[contract]))
}

// Named is a plugin by what it is and what it is called.
type Named struct {
	Contract string `json:"contract"`
	Name     string `json:"name"`
}

// List gives every plugin, by contract (sink, format) and name.
func (r *Registry) List() (all []Named) {
	for _, contract := range r.contracts() {
		for _, name := range r.Names(contract) {
			all = append(all, Named{noun(contract), name})
		}
	}
	return all
}

func mustDescribe[C any](name string) *shape {
	s, err := describe(reflect.TypeFor[C](), nil)
	if err == nil && s.kind != object {
		err = fmt.Errorf("%v is not a struct of options", s.typ)
	}
	if err != nil {
		panic(fmt.Sprintf("plugin %q: %v", name, err))
	}
	return s
}
