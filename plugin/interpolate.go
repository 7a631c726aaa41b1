package plugin

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// outside is where ${env:NAME} and ${file:path} look.
type outside struct {
	env  func(name string) (string, bool)
	file func(name string) ([]byte, error)
	note func(found, kind, name string) // told of everything that is found there
}

// expand replaces every ${env:NAME}, ${env:NAME:default} and ${file:path} of a value; $${ stands for ${.
func (o *outside) expand(value string) (string, error) {
	var b strings.Builder
	for {
		i := strings.Index(value, "${")
		if i < 0 {
			b.WriteString(value)
			return b.String(), nil
		}
		if i > 0 && value[i-1] == '$' {
			b.WriteString(value[:i-1] + "${")
			value = value[i+2:]
			continue
		}
		end := strings.IndexByte(value[i:], '}')
		if end < 0 {
			return "", errors.New("${ is not closed; end it with }, or write $${ for the text ${")
		}
		b.WriteString(value[:i])
		found, err := o.lookup(value[i+2 : i+end])
		if err != nil {
			return "", err
		}
		b.WriteString(found)
		value = value[i+end+1:]
	}
}

// lookup gives what stands for ${ref}.
func (o *outside) lookup(ref string) (found string, err error) {
	kind, name, _ := strings.Cut(ref, ":")
	switch {
	case kind != "env" && kind != "file" || name == "" || strings.HasPrefix(name, ":"):
		return "", fmt.Errorf("${%s} is not understood; write ${env:NAME}, ${env:NAME:default} or ${file:path}, and $${ for the text ${", ref)
	case strings.Contains(name, "${"):
		return "", fmt.Errorf("${%s} stands inside another; a default cannot refer to more", ref[strings.LastIndex(ref, "${")+2:])
	case kind == "env":
		var given bool
		if found, given, err = o.variable(name); err != nil || !given {
			return found, err
		}
	default:
		content, err := o.file(name)
		if err != nil {
			return "", fmt.Errorf("${%s} cannot be read: %w", ref, err)
		}
		found = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	}
	if !utf8.ValidString(found) || strings.Contains(found, "\x00") {
		return "", fmt.Errorf("what ${%s} stands for is not UTF-8 text", ref)
	}
	if found != "" {
		if kind == "env" { // without its default
			name, _, _ = strings.Cut(name, ":")
		}
		o.note(found, kind, name)
	}
	return found, nil
}

// variable gives a variable, or its default. An empty one counts as unset.
func (o *outside) variable(ref string) (value string, given bool, err error) {
	name, byDefault, hasDefault := strings.Cut(ref, ":")
	if value, _ := o.env(name); value != "" {
		return value, true, nil
	}
	if !hasDefault {
		return "", false, fmt.Errorf("the environment variable %s is not set; set it, or give a default as in ${env:%s:default}", name, name)
	}
	return byDefault, false, nil
}
