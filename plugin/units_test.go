package plugin_test

import (
	"regexp"
	"testing"

	"github.com/penstock/penstock/plugin"
)

func fits(v interface{ Pattern() string }, text string) bool {
	return regexp.MustCompile(v.Pattern()).MatchString(text)
}

func TestSize(t *testing.T) {
	for text, want := range map[string]plugin.Size{
		"0": 0, "4096": 4096, "1KiB": 1024, "64MiB": 64 << 20, "10MB": 10_000_000, "1.5GiB": 3 << 29, "1 gib": 1 << 30, "4EiB": 1 << 62,
	} {
		var got plugin.Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || !fits(got, text) {
			t.Errorf("%s: %d, %v; it fits the pattern: %v", text, got, err, fits(got, text))
		}
		var back plugin.Size
		if b, err := got.MarshalText(); err != nil || back.UnmarshalText(b) != nil || back != got {
			t.Errorf("%s is written %s, which reads %d", text, b, back)
		}
	}
	for _, text := range []string{"", "lots", "-1", "1 stone", "9EiB", "4EiB1", "1e3", "nan", "٣", ",00"} {
		var got plugin.Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q reads %d", text, got)
		}
	}
	for size, want := range map[plugin.Size]string{0: "0", 1: "1", 1025: "1025", 1 << 10: "1KiB", 3 << 20: "3MiB", 1 << 40: "1024GiB"} {
		if got := size.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for text, want := range map[string]plugin.Rate{"1000/s": 1000, "30/m": 0.5, "0.5/s": 0.5, "1 / h": 1.0 / 3600, "none": 0, "1e6/s": 1e6} {
		var got plugin.Rate
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || !fits(got, text) {
			t.Errorf("%s: %v, %v; it fits the pattern: %v", text, got, err, fits(got, text))
		}
		var back plugin.Rate
		if b, err := got.MarshalText(); err != nil || back.UnmarshalText(b) != nil || back != got {
			t.Errorf("%s is written %s, which reads %v", text, b, back)
		}
	}
	for _, text := range []string{"", "5", "/s", "5/", "5/d", "0/s", "-1/s", "nan/s", "inf/s", "1e-323/h", "5/s/s", "0x1p3/s", "1_0/s", "1\u00a0/s"} {
		var got plugin.Rate
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q reads %v", text, got)
		}
	}
}
