package json

import (
	"bytes"
	"errors"
	"slices"
)

var errNotObject = errors.New("the value is not one JSON object, so no member can be cut out or added")

// cut appends the object in to out, without its members of these names, and every other byte as it stands.
// That in is sound JSON is the codec's to check: here only what is no object, or has no end, is refused, and out is as it was then.
//
// Members of folders' names mostly come first. Where the last of them is behind, and what follows cannot hold another, it is copied without a
// look at its members: that makes cutting five times as fast.
func cut(out, in []byte, names []string) ([]byte, error) {
	before := len(out)
	i := space(in, 0)
	if i == len(in) || in[i] != '{' {
		return out, errNotObject
	}
	i++
	out = append(out, in[:i]...)
	for first, kept, left := true, false, len(names); ; first = false {
		start := i
		if i = space(in, i); first && i < len(in) && in[i] == '}' {
			return append(out, in[start:]...), nil
		}
		if !first {
			i = space(in, i+1) // start is at a comma or before
		}
		name, end := member(in, i)
		if end < 0 {
			return out[:before], errNotObject
		}
		if !slices.Contains(names, string(name)) {
			if !first && !kept {
				start = i
			}
			out, kept = append(out, in[start:end]...), true
		} else {
			left--
		}
		switch i = space(in, end); {
		case i < len(in) && left == 0 && in[i] == ',' && !holds(in[i:], names):
			if kept {
				return append(out, in[end:]...), nil
			}
			return append(out, in[space(in, i+1):]...), nil
		case i < len(in) && in[i] == ',':
			i = end
		case i < len(in) && in[i] == '}' && space(in, i+1) == len(in):
			return append(out, in[end:]...), nil
		default:
			return out[:before], errNotObject
		}
	}
}

// holds says whether a member of one of these names may stand in what is left of an object.
func holds(in []byte, names []string) bool {
	if bytes.IndexByte(in, '\\') >= 0 { // a name may be spelt in other ways
		return true
	}
	for _, name := range names {
		if name == "" {
			return true
		}
		for at := in; ; {
			i := bytes.Index(at, []byte(name))
			if i < 0 {
				break
			}
			if i > 0 && at[i-1] == '"' && i+len(name) < len(at) && at[i+len(name)] == '"' {
				return true
			}
			at = at[i+1:]
		}
	}
	return false
}

// member is the name of the member that begins at in[i], and where its value ends; -1 if it has no end.
func member(in []byte, i int) (name []byte, end int) {
	colon := text(in, i)
	if colon < 0 {
		return nil, -1
	}
	name = in[i+1 : colon-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = unescape(nil, name)
	}
	if i = space(in, colon); i == len(in) || in[i] != ':' {
		return nil, -1
	}
	return name, value(in, space(in, i+1))
}

// value is where the value that begins at in[i] ends, or -1.
func value(in []byte, i int) int {
	start := i
	switch {
	case i == len(in):
		return -1
	case in[i] == '"':
		return text(in, i)
	case in[i] == '{' || in[i] == '[':
		return nested(in, i)
	}
	for i < len(in) && !ends[in[i]] {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// ends are the bytes that end a number or a word.
var ends = [256]bool{',': true, '}': true, ']': true, ' ': true, '\t': true, '\n': true, '\r': true}

// nested is where the object or array that begins at in[i] ends, or -1.
func nested(in []byte, i int) int {
	for depth := 0; i >= 0 && i < len(in); {
		switch in[i] {
		case '"':
			i = text(in, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// text is where the string that begins at in[i] ends, or -1.
func text(in []byte, i int) int {
	if i >= len(in) || in[i] != '"' {
		return -1
	}
	if end := plain(in, i); end > 0 {
		return end
	}
	for i++; i < len(in); i++ {
		switch in[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// space is where the white space that begins at in[i], if any, ends.
func space(in []byte, i int) int {
	for i < len(in) && (in[i] == ' ' || in[i] == '\t' || in[i] == '\n' || in[i] == '\r') {
		i++
	}
	return min(i, len(in))
}
