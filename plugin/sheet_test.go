package plugin_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/penstock/penstock/plugin"
)

// store is a plugin whose trouble shows only later.
type store struct {
	Bucket string   `yaml:"bucket,short"`
	Tags   []string `yaml:"tags"`
}

type outer struct {
	Stores []Hook          `yaml:"stores"`
	By     map[string]Hook `yaml:"by"`
}

func (o *outer) Check() error {
	if len(o.By) > 1 {
		return plugin.Option("stores[1].bucket", errors.New("is bad"))
	}
	return nil
}

func storeFile(t *testing.T, more string) (*plugin.Sheet, error) {
	t.Helper()
	r := plugin.New()
	plugin.Add(r, "store", store{}, func(s store) (Hook, error) { return built(s.Bucket), nil })
	sheet, into := &plugin.Sheet{}, outer{}
	text := "stores:\n- store: a\n- store:\n    tags: [x]\n    bucket: ${env:NAME}\nby:\n  a.b:\n    store: {bucket: c}\n" + more
	return sheet, plugin.Decode(r, "f", []byte(text), &into, plugin.On(sheet), plugin.Env(func(string) (string, bool) { return "hunter22", true }))
}

// What is wrong with a plugin that was built is told with the place of its option, and without what came from outside the file.
func TestSheet(t *testing.T) {
	s, err := storeFile(t, "")
	if err != nil || !s.Says("by") || s.Says("store") {
		t.Fatal(err)
	}
	var options []string
	for _, p := range s.Plugins {
		options = append(options, fmt.Sprint(p.Option, " ", p.Value, " ", s.Line(p.Option)))
	}
	if got, want := fmt.Sprint(options), "[stores[0].store a 2 stores[1].store hunter22 3 by.a.b.store c 8]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	bad := errors.New("no hunter22")
	for _, c := range []struct {
		option string
		err    error
		want   string
	}{
		{"stores[1].store", bad, "f:3: stores[1].store: no ${env:NAME}"},
		{"stores[1].store", plugin.Option("bucket", bad), "f:5: stores[1].store.bucket: no ${env:NAME}"},
		{"stores[1]", plugin.Option("bucket", bad), "f:5: stores[1].store.bucket: no ${env:NAME}"},
		{"stores[0].store", plugin.Option("bucket", bad), "f:2: stores[0].store.bucket: no ${env:NAME}"},
		{"by", plugin.Option("a.b", plugin.Option("bucket", bad)), "f:8: by.a.b.store.bucket: no ${env:NAME}"},
		{"by.x", bad, "f:6: by.x: no ${env:NAME}"},
		{"none", errors.Join(bad, plugin.Option("x", bad)), "f:1: none: no ${env:NAME}\nf:1: none.x: no ${env:NAME}"},
	} {
		if got := s.Problems(c.option, c.err).Error(); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// A rule that joins options may be about one of a plugin's own.
func TestOptionOfAPlugin(t *testing.T) {
	_, err := storeFile(t, "  z: {store: z}\n")
	if want := "f:5: stores[1].store.bucket: is bad"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
