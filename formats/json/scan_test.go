package json

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestNumbersEndWhereTheyAreRead: a number that is only checked ends where one does that is read, and both refuse the same.
func TestNumbersEndWhereTheyAreRead(t *testing.T) {
	const letters = "019.eE+-,:/"
	var n number
	var try func(text string, left int)
	try = func(text string, left int) {
		for _, rest := range []string{"", ",", ` , "a": 1, "b": 2}`} {
			in := []byte(text + rest)
			if got, want := numberEnd(in, 0), scanNumber(in, 0, &n); got != want {
				t.Fatalf("%q ends at %d, and is read up to %d", in, got, want)
			}
		}
		for i := range len(letters) * min(left, 1) {
			try(text+letters[i:i+1], left-1)
		}
	}
	for _, sign := range []string{"", "-"} {
		for digits := range 34 {
			try(sign+strings.Repeat("7", digits)+"1", 3)
			try(sign+"3."+strings.Repeat("7", digits)+"1", 2)
		}
		try(sign+"0", 4)
	}
}

// TestTextThatIsNotASCII has one byte that is not anywhere in texts of all lengths.
func TestTextThatIsNotASCII(t *testing.T) {
	for n := range 80 {
		text := []byte(strings.Repeat("a", n))
		if n >= 8 && !ascii(text) {
			t.Errorf("%d letters are not ASCII", n)
		}
		for i := range text {
			text[i] = 0x80
			if ascii(text) || utf8.Valid(text) {
				t.Errorf("of %d letters one that is not ASCII at %d is missed", n, i)
			}
			text[i] = 'a'
		}
	}
}

// TestNamesThatStoodBefore reads names of all lengths where others stood that differ in one byte, or in length.
func TestNamesThatStoodBefore(t *testing.T) {
	codec := newCodec(t)
	for n := 1; n < 40; n++ {
		name := strings.Repeat("n", n)
		for i := range n {
			other := name[:i] + "m" + name[i+1:]
			for _, rest := range []string{`}`, `,"more":"than sixteen bytes"}`} {
				columns := []string{name, "int64"}
				b := batch(t, columns, `{"`+name+`":1`+rest, `{"`+other+`":2`+rest, `{"`+name+`":3`+rest, `{"`+name+`n":4`+rest, `{"`+name[1:]+`":5`+rest)
				if err := codec.Decode(b); err != nil || len(b.Bad) > 0 {
					t.Fatal(err, b.Bad)
				}
				for k, want := range []int64{1, 0, 3, 0, 0} {
					if cell := b.Records[k].Row[0]; cell.IsNull() != (want == 0) || want != 0 && cell.Int() != want {
						t.Fatalf("%s has %v, want %d", b.Records[k].Value, cell, want)
					}
				}
			}
		}
	}
}
