package files

import (
	"unicode/utf8"

	"github.com/penstock/penstock/record"
)

// nullValue is how Hive and Athena name the folder of null, and of the empty string.
const nullValue = "__HIVE_DEFAULT_PARTITION__"

// escaped are the bytes that Hive writes as percent and two hexadecimal digits.
var escaped = func() (set [256]bool) {
	for c := range ' ' {
		set[c] = true
	}
	for _, c := range []byte("\"#%'*/:=?\\{[]^\x7f") {
		set[c] = true
	}
	return set
}()

// appendEscaped writes a value so that it stays within its folder's name. Beside what Hive escapes these are the bytes that are
// not UTF-8, and the two characters that XML, and so a store's listing, cannot say.
func appendEscaped[T string | []byte](dst []byte, s T) []byte {
	if len(s) == 0 {
		return append(dst, nullValue...)
	}
	done := 0
	for i := 0; i < len(s); {
		n := 1
		if c := s[i]; c >= utf8.RuneSelf {
			var r rune
			r, n = utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r != '\ufffe' && r != '\uffff' && (r != utf8.RuneError || n > 1) {
				i += n
				continue
			}
		} else if !escaped[c] {
			i++
			continue
		}
		dst = append(dst, s[done:i]...)
		for _, c := range []byte(s[i : i+n]) {
			dst = appendHex(dst, c)
		}
		i += n
		done = i
	}
	return append(dst, s[done:]...)
}

func appendHex(dst []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	return append(dst, '%', hex[c>>4], hex[c&15])
}

// visible is a file's name that Hive and Athena do not take for a hidden one.
func visible(name string) string {
	if name != "" && (name[0] == '_' || name[0] == '.') {
		return string(appendHex(nil, name[0])) + name[1:]
	}
	return name
}

// lossless says that a cell of a kind can be had back from a folder's name.
func lossless(k record.Kind) bool {
	switch k {
	case record.String, record.Bool, record.Int, record.Date, record.Any:
		return true
	}
	return false
}
