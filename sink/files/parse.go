package files

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parser reads a path template from left to right; at is where it stands, in bytes.
type parser struct {
	text  string
	at    int
	parts []part
	exact []exact
	seg   int // where the segment at hand begins, in parts
}

func (p *parser) errorf(at int, format string, args ...any) error {
	return fmt.Errorf("%q, character %d: %s", p.text, at+1, fmt.Sprintf(format, args...))
}

// parse finds every mistake.
func (p *parser) parse() error {
	var errs []error
	for p.at < len(p.text) {
		from := p.at
		if err := p.step(); err != nil {
			errs = append(errs, err)
			p.goOn(from)
		}
	}
	if p.text != "" {
		errs = append(errs, p.segment(len(p.text)))
	}
	return errors.Join(errs...)
}

// goOn stands behind the mistake that began at a position, with something in its place.
func (p *parser) goOn(from int) {
	c := p.text[from]
	switch {
	case c == '/':
		return
	case c != '{':
		_, size := utf8.DecodeRuneInString(p.text[from:])
		p.at = from + size
	case p.text[p.at-1] != '}': // the field has been read in part
		if _, after, closed := strings.Cut(p.text[p.at:], "}"); closed {
			p.at = len(p.text) - len(after)
		} else {
			p.at = len(p.text)
		}
	}
	p.parts = append(p.parts, part{kind: offset})
}

func (p *parser) step() error {
	rest, c := p.text[p.at:], p.text[p.at]
	first, _ := utf8.DecodeRuneInString(rest)
	switch {
	case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
		p.literal(rest[:1])
		p.at += 2
	case c == '{':
		return p.field()
	case c == '}':
		return p.errorf(p.at, "} closes nothing; write }} for a brace")
	case c == '/':
		p.at++
		return p.slash(p.at - 1)
	case unspeakable(first):
		return p.errorf(p.at, "a path holds no control characters")
	default:
		n := strings.IndexFunc(rest, func(r rune) bool { return r == '{' || r == '}' || r == '/' || unspeakable(r) })
		if n < 0 {
			n = len(rest)
		}
		p.literal(rest[:n])
		p.at += n
	}
	return nil
}

// unspeakable are the characters that no path holds as they are: control characters, and the two that XML cannot say.
func unspeakable(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffe' || r == '\uffff' }

func (p *parser) literal(text string) {
	if n := len(p.parts); n > p.seg && p.parts[n-1].kind == literal {
		p.parts[n-1].text += text
		return
	}
	p.parts = append(p.parts, part{kind: literal, text: text})
}

func (p *parser) slash(at int) error {
	err := p.segment(at)
	p.parts = append(p.parts, part{kind: slash})
	p.seg = len(p.parts)
	return err
}

// segment checks the one that ends at a position.
func (p *parser) segment(at int) error {
	s := p.parts[p.seg:]
	switch {
	case len(s) == 0:
		return p.errorf(at, "a folder without a name; leave out the / at the beginning or end, and write / once")
	case len(s) == 1 && s[0].kind == literal && (s[0].text == "." || s[0].text == ".."):
		return p.errorf(at, "a path holds no %s; it stays below the prefix", s[0].text)
	case len(s) == 2 && s[0].kind == literal && s[1].kind == column && len(s[1].stamp) == 0:
		if k, ok := strings.CutSuffix(s[0].text, "="); ok && k != "" {
			p.exact = append(p.exact, exact{k, s[1].text})
		}
	}
	return nil
}

// field reads {name}, {name:format} and their quoted and prefixed forms.
func (p *parser) field() error {
	open := p.at
	p.at++
	prefix, name, quoted, err := p.name(open)
	if err != nil {
		return err
	}
	end := strings.IndexByte(p.text[p.at:], '}')
	if end < 0 {
		return p.errorf(open, "{ is never closed; write {{ for a brace")
	}
	format, formatted := strings.CutPrefix(p.text[p.at:p.at+end], ":")
	if !formatted && format != "" {
		return p.errorf(p.at, "%q cannot stand in a name; quote it as in {\"Adj Close\"}", format)
	}
	at := p.at + 1
	p.at += end + 1
	f := part{kind: kindOf(prefix, name, quoted), text: name}
	if f.deep = f.kind == column && !quoted && strings.Contains(name, "."); f.deep && slices.Contains(strings.Split(name, "."), "") {
		return p.errorf(open, "a name is missing beside a dot; quote a name that holds dots, as in {\"a.b\"}")
	}
	if !formatted {
		if f.kind == recordTime {
			return p.errorf(open, "{time} is the record's timestamp and needs a format, as in {time:%%Y-%%m-%%d}; a column of that name is {value.time}")
		}
		p.parts = append(p.parts, f)
		return nil
	}
	return p.formatted(f, format, at)
}

// name reads up to the colon or brace that ends it.
func (p *parser) name(open int) (prefix, name string, quoted bool, err error) {
	for _, pre := range []string{"value.", "header."} {
		if strings.HasPrefix(p.text[p.at:], pre) {
			prefix = pre
			p.at += len(pre)
			break
		}
	}
	rest := p.text[p.at:]
	if strings.HasPrefix(rest, `"`) {
		q, err := strconv.QuotedPrefix(rest)
		if err == nil {
			name, err = strconv.Unquote(q)
		}
		if err != nil {
			return "", "", false, p.errorf(p.at, "the quoted name does not end; close it with \"")
		}
		p.at += len(q)
		quoted = true
	} else {
		n := strings.IndexFunc(rest, func(r rune) bool {
			return r != '_' && r != '-' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})
		if n < 0 {
			return "", "", false, p.errorf(open, "{ is never closed; write {{ for a brace")
		}
		name = rest[:n]
		p.at += n
	}
	if name == "" {
		return "", "", false, p.errorf(p.at, "a name is missing; write a column as {name} or {\"any name\"}, or one of {topic} {partition} {offset} {key} {header.NAME} {time:%%Y-%%m-%%d}")
	}
	return prefix, name, quoted, nil
}

func kindOf(prefix, name string, quoted bool) partKind {
	if prefix == "header." {
		return header
	}
	if prefix != "" || quoted {
		return column
	}
	switch name {
	case "topic":
		return topic
	case "partition":
		return partition
	case "offset":
		return offset
	case "key":
		return key
	case "time":
		return recordTime
	}
	return column
}

// formatted adds a part for each folder of a date's format: {time:%Y/%m} is {time:%Y}/{time:%m}.
func (p *parser) formatted(f part, format string, at int) error {
	if f.kind == topic || f.kind == partition || f.kind == offset {
		return p.errorf(at, "{%s} takes no format; leave out :%s", f.text, format)
	}
	for i, piece := range strings.Split(format, "/") {
		if i > 0 {
			if err := p.slash(at); err != nil {
				return err
			}
		}
		var err error
		if f.stamp, err = parseStamp(piece); err != nil {
			return p.errorf(at, "%v", err)
		}
		p.parts = append(p.parts, f)
	}
	return nil
}
