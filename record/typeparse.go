package record

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// typeParser reads the text of a type from its beginning on.
type typeParser struct {
	rest  string
	depth int
}

func (p *typeParser) whole() (Type, error) {
	t, err := p.next()
	if err == nil && p.peek() != 0 {
		err = fmt.Errorf("nothing may follow it, and %q does", p.rest)
	}
	if err != nil {
		return Type{}, err
	}
	return t, nil
}

// next reads one type.
func (p *typeParser) next() (Type, error) {
	switch word := p.word(); word {
	case "decimal":
		return p.decimal()
	case "timestamp":
		return p.timestamp()
	case "list":
		return p.nested(func() (Type, error) {
			elem, err := p.next()
			return ListType(elem), err
		})
	case "struct":
		return p.nested(func() (Type, error) {
			fields, err := p.fields()
			return StructType(fields), err
		})
	case "":
		if p.rest == "" {
			return Type{}, errTypeEnds
		}
		return Type{}, fmt.Errorf("a type is expected where %q stands; there are %s", p.rest, TypeNames)
	default:
		for _, n := range typeNames {
			if n.name == word {
				return n.t, nil
			}
		}
		return Type{}, fmt.Errorf("unknown type %q; there are %s", word, TypeNames)
	}
}

func (p *typeParser) decimal() (Type, error) {
	if p.peek() == 0 {
		return Type{}, errors.New("a decimal needs its digits; write decimal(10,2)")
	}
	precision, err := p.number('(')
	if err != nil {
		return Type{}, err
	}
	scale, err := p.number(',')
	if err == nil {
		err = p.expect(')')
	}
	if err == nil && (precision < 1 || precision > MaxPrecision || scale > precision) {
		err = fmt.Errorf("decimal(%d,%d) cannot be: a decimal has 1 to %d digits, and at most as many of them follow the point", precision, scale, MaxPrecision)
	}
	return Type{Kind: Decimal, Precision: uint8(precision), Scale: uint8(scale)}, err
}

// number reads a small number after the character before.
func (p *typeParser) number(before byte) (int, error) {
	if err := p.expect(before); err != nil {
		return 0, err
	}
	text := p.word()
	if text == "" && p.rest == "" {
		return 0, errTypeEnds
	}
	n, err := strconv.ParseUint(text, 10, 7)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of digits; write decimal(10,2)", text)
	}
	return int(n), nil
}

func (p *typeParser) timestamp() (Type, error) {
	if p.peek() != '(' {
		return Type{}, errors.New("a timestamp needs its unit; write timestamp(ms) or timestamp(us)")
	}
	p.rest = p.rest[1:]
	unit := p.word()
	if unit != "ms" && unit != "us" {
		return Type{}, fmt.Errorf("unknown unit %q; write timestamp(ms) or timestamp(us)", unit)
	}
	return Type{Kind: Timestamp, Short: unit == "ms"}, p.expect(')')
}

// nested reads what stands between angle brackets.
func (p *typeParser) nested(inner func() (Type, error)) (Type, error) {
	if p.depth++; p.depth > MaxNesting {
		return Type{}, fmt.Errorf("lists and structs nest more than %d deep; declare the column as json", MaxNesting)
	}
	defer func() { p.depth-- }()
	if p.peek() == 0 {
		return Type{}, errors.New("a list needs the type of its elements, and a struct those of its fields; write list<type> or struct<name:type,...>")
	}
	if err := p.expect('<'); err != nil {
		return Type{}, err
	}
	t, err := inner()
	if err != nil {
		return Type{}, err
	}
	return t, p.expect('>')
}

// fields reads name:type, one at least, with commas between them.
func (p *typeParser) fields() (fields []Column, err error) {
	names := make(map[string]bool)
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if err := p.expect(':'); err != nil {
			return nil, err
		}
		t, err := p.next()
		if err != nil {
			return nil, err
		}
		folded := strings.ToLower(name)
		if fields = append(fields, Column{Name: name, Type: t}); names[folded] || len(fields) > MaxColumns {
			return nil, fmt.Errorf("field %q: a struct has at most %d fields, whose names differ when letter case is ignored", name, MaxColumns)
		}
		names[folded] = true
		if p.peek() != ',' {
			return fields, nil
		}
		p.rest = p.rest[1:]
	}
}

func (p *typeParser) name() (string, error) {
	if p.peek() == '"' {
		text, err := strconv.QuotedPrefix(p.rest)
		if err != nil {
			return "", fmt.Errorf("%s is no quoted name", p.rest)
		}
		p.rest = p.rest[len(text):]
		return strconv.Unquote(text)
	}
	name := p.word()
	if name == "" {
		return "", errors.New("a field needs a name; write struct<name:type>")
	}
	return name, nil
}

// word reads up to the next punctuation.
func (p *typeParser) word() string {
	end := strings.IndexAny(p.rest, `<>():,"`)
	if end < 0 {
		end = len(p.rest)
	}
	word := strings.TrimSpace(p.rest[:end])
	p.rest = p.rest[end:]
	return word
}

// peek is the next character that is no space, or 0.
func (p *typeParser) peek() byte {
	p.rest = strings.TrimSpace(p.rest)
	if p.rest == "" {
		return 0
	}
	return p.rest[0]
}

func (p *typeParser) expect(c byte) error {
	switch p.peek() {
	case c:
		p.rest = p.rest[1:]
		return nil
	case 0:
		return errTypeEnds
	}
	return fmt.Errorf("%q is expected where %q stands", c, p.rest)
}
