package plugin_test

import (
	"testing"
	"time"

	"github.com/penstock/penstock/plugin"
)

func TestDurations(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "10s": 10 * time.Second, "1h30m": 90 * time.Minute, "-5s": -5 * time.Second, "250us": 250 * time.Microsecond,
		"7d": 7 * day, "1.5d": 36 * time.Hour, "1d12h": 36 * time.Hour, "-1d12h": -36 * time.Hour, "100000d": 100_000 * day,
	} {
		into := Flush{}
		if err := plugin.Decode(plugin.New(), "f", []byte("every: "+text), &into); err != nil || into.Every != want {
			t.Errorf("%s: %v, %v", text, into.Every, err)
		}
	}
	for _, text := range []string{"5", "d", "1dd", "1d-1h", "100001d", "100000d1000000h", "1d5", "nand", "1_0d", "1 d", "9999999h", "''"} {
		into := Flush{}
		if err := plugin.Decode(plugin.New(), "f", []byte("every: "+text), &into); err == nil {
			t.Errorf("%s reads %v", text, into.Every)
		}
	}
}

// References, anywhere in a value and several in one.
func TestReferences(t *testing.T) {
	env := map[string]string{"A": "1", "EMPTY": "", "DOLLAR": "${env:A}", "COLON": "a: {b}"}
	files := map[string]string{"f": "text\n", "windows": "text\r\n", "two": "a\n\n", "a:b": "c", "empty": "\n"}
	lookup := plugin.Env(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	read := plugin.Files(func(name string) ([]byte, error) { return []byte(files[name]), nil })
	for value, want := range map[string]string{
		"${env:A}":               "1",
		"x${env:A}y${env:A}z":    "x1y1z",
		"${env:A:2}":             "1",
		"${env:B:2}":             "2",
		"${env:EMPTY:2}":         "2",
		"${env:B:}":              "",
		"${env:B:a:b}":           "a:b",
		"${env:B:http://h:9000}": "http://h:9000",
		"$${env:A}":              "${env:A}",
		"$$${env:A}":             "$${env:A}",
		"${env:A}$${":            "1${",
		"$ $$ {x} $x":            "$ $$ {x} $x",
		"${env:DOLLAR}":          "${env:A}", // what is looked up is not looked into
		"${env:COLON}":           "a: {b}",   // nor is it YAML
		"${file:f}":              "text",
		"${file:windows}":        "text",
		"${file:two}":            "a\n",
		"${file:a:b}":            "c",
		"<${file:empty}>":        "<>",
	} {
		into := struct {
			Value string `yaml:"value"`
		}{"default"}
		if err := plugin.Decode(plugin.New(), "f", []byte("value: '"+value+"'"), &into, lookup, read); err != nil || into.Value != want {
			t.Errorf("%s: %q, %v; want %q", value, into.Value, err, want)
		}
	}
}

// Without options the process's own environment and files are read.
func TestReferencesToTheProcess(t *testing.T) {
	t.Setenv("PENSTOCK_PLUGIN_TEST", "here")
	into := struct {
		Env  string `yaml:"env"`
		File string `yaml:"file"`
	}{}
	if err := plugin.Decode(plugin.New(), "f", []byte("env: ${env:PENSTOCK_PLUGIN_TEST}\nfile: ${file:units.go}\n"), &into); err != nil {
		t.Fatal(err)
	}
	if into.Env != "here" || len(into.File) < 100 {
		t.Errorf("%+v", into)
	}
}
