package record

import (
	"math/big"
	"strings"
	"testing"
)

func TestDecimal(t *testing.T) {
	nines := strings.Repeat("9", 38)
	for _, c := range []struct{ typ, text, want string }{ // want "" is refused
		{"decimal(5,2)", "1", "1.00"},
		{"decimal(5,2)", "-1.5", "-1.50"},
		{"decimal(5,2)", "999.99", "999.99"},
		{"decimal(5,2)", "-999.99", "-999.99"},
		{"decimal(5,2)", "1000", ""},
		{"decimal(5,2)", "999.995", ""},
		{"decimal(5,2)", "0.001", ""},
		{"decimal(5,2)", "0.01", "0.01"},
		{"decimal(5,2)", "-0", "0.00"},
		{"decimal(5,2)", "0.000", "0.00"},
		{"decimal(5,2)", "0e999999999999", "0.00"},
		{"decimal(5,2)", "000012.30000000000000000000000000000000000000000000000000", "12.30"},
		{"decimal(5,2)", "1.2e1", "12.00"},
		{"decimal(5,2)", "1200E-2", "12.00"},
		{"decimal(5,2)", "1e+2", "100.00"},
		{"decimal(5,2)", "1e99999999999", ""},
		{"decimal(5,2)", "1e-99999999999", ""},
		{"decimal(5,0)", "12345", "12345"},
		{"decimal(5,0)", "1e4", "10000"},
		{"decimal(5,0)", "1e5", ""},
		{"decimal(5,5)", "0.00001", "0.00001"},
		{"decimal(5,5)", "1", ""},
		{"decimal(18,0)", "-999999999999999999", "-999999999999999999"},
		{"decimal(19,0)", "9999999999999999999", "9999999999999999999"},
		{"decimal(20,0)", "18446744073709551616", "18446744073709551616"},
		{"decimal(38,0)", nines, nines},
		{"decimal(38,0)", "-" + nines, "-" + nines},
		{"decimal(38,0)", nines + "0", ""},
		{"decimal(38,0)", nines + ".0", nines},
		{"decimal(38,0)", "1e37", "1" + strings.Repeat("0", 37)},
		{"decimal(38,38)", "-0." + nines, "-0." + nines},
		{"decimal(38,37)", "0.1", "0.1" + strings.Repeat("0", 36)},
		{"decimal(38,19)", "1", "1." + strings.Repeat("0", 19)},
		{"decimal(5,2)", "", ""}, {"decimal(5,2)", "-", ""}, {"decimal(5,2)", ".", ""}, {"decimal(5,2)", "e1", ""}, {"decimal(5,2)", "1e", ""},
		{"decimal(5,2)", "1e1.5", ""}, {"decimal(5,2)", "NaN", ""}, {"decimal(5,2)", "1 ", ""}, {"decimal(5,2)", "1.2.3", ""}, {"decimal(5,2)", "0x10", ""},
		{"decimal(5,2)", "1_0", ""}, {"decimal(5,2)", "Infinity", ""}, {"decimal(5,2)", "+1", ""},
	} {
		typ, err := ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := new(Batch).Decimal(c.text, typ)
		switch {
		case ok != (c.want != ""):
			t.Errorf("%s as %s: %v", c.text, c.typ, ok)
		case ok && string(v.AppendDecimal([]byte("x"))) != "x"+c.want:
			t.Errorf("%s as %s is %s", c.text, c.typ, v.AppendDecimal(nil))
		}
	}
	for want, v := range map[string]Value{
		"-9223372036854775808": DecimalOf(-1<<63, 0), "-92233720368547758.08": DecimalOf(-1<<63, 2), "0.007": DecimalOf(7, 3),
		"-170141183460469231731687303715884105728": {Kind: Decimal, Str: "\x80" + strings.Repeat("\x00", 15)},
	} {
		if got := string(v.AppendDecimal(nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// FuzzDecimal compares with math/big.
func FuzzDecimal(f *testing.F) {
	f.Add("12.50", uint8(9), uint8(2))
	f.Add("-1234567890123456789012345678e-5", uint8(38), uint8(7))
	f.Fuzz(func(t *testing.T, text string, precision, scale uint8) {
		typ := Type{Kind: Decimal, Precision: precision%MaxPrecision + 1}
		typ.Scale = scale % (typ.Precision + 1)
		v, ok := new(Batch).Decimal(text, typ)
		if strings.Trim(text, "0123456789.-eE") != "" || len(text) > 60 || strings.ContainsAny(text, "eE") && len(text[strings.IndexAny(text, "eE"):]) > 4 {
			return
		}
		want, sound := new(big.Rat).SetString(text)
		if !sound {
			if ok {
				t.Fatalf("%q is %s", text, v.AppendDecimal(nil))
			}
			return
		}
		unscaled := new(big.Rat).Mul(want, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(typ.Scale)), nil)))
		fits := unscaled.IsInt() && len(new(big.Int).Abs(unscaled.Num()).String()) <= int(typ.Precision)
		if ok != fits {
			t.Fatalf("%q as %v: %v", text, typ, ok)
		}
		if got := string(v.AppendDecimal(nil)); ok && got != want.FloatString(int(typ.Scale)) && want.Sign() != 0 {
			t.Fatalf("%q as %v is %s", text, typ, got)
		}
	})
}
