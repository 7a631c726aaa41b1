package plugin_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/penstock/penstock/plugin"
)

type faulty struct {
	Deep struct {
		List []string          `yaml:"list"`
		Map  map[string]string `yaml:"map"`
	} `yaml:"deep"`
	Anchor string `yaml:"anchor"`
	Key    string `yaml:"key"`
}

// Where a constructor's error lands, by what it says about options.
func TestOption(t *testing.T) {
	bad := errors.New("is bad")
	const text = "\nhook:\n  faulty:\n    anchor: &m\n      x\n    deep:\n      list:\n      - a\n      - b\n      map:\n        a.b: c\n    key: *m\n"
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"no option":         {bad, "f:3: hook.faulty: is bad"},
		"an option":         {plugin.Option("key", bad), "f:12: hook.faulty.key: is bad"},
		"nested":            {plugin.Option("deep", plugin.Option("list", bad)), "f:7: hook.faulty.deep.list: is bad"},
		"dotted":            {plugin.Option("deep.list", bad), "f:7: hook.faulty.deep.list: is bad"},
		"an item":           {plugin.Option("deep.list[1]", bad), "f:9: hook.faulty.deep.list[1]: is bad"},
		"a key with a dot":  {plugin.Option("deep.map.a.b", bad), "f:11: hook.faulty.deep.map.a.b: is bad"},
		"not in the file":   {plugin.Option("deep.map.z", bad), "f:10: hook.faulty.deep.map.z: is bad"},
		"no such option":    {plugin.Option("elsewhere", bad), "f:3: hook.faulty.elsewhere: is bad"},
		"below a scalar":    {plugin.Option("key.x", bad), "f:12: hook.faulty.key.x: is bad"},
		"joined":            {errors.Join(plugin.Option("key", bad), bad), "f:3: hook.faulty: is bad\nf:12: hook.faulty.key: is bad"},
		"joined in one":     {plugin.Option("deep", errors.Join(plugin.Option("list", bad), plugin.Option("map", bad))), "f:7: hook.faulty.deep.list: is bad\nf:10: hook.faulty.deep.map: is bad"},
		"one twice":         {errors.Join(plugin.Option("key", bad), plugin.Option("key", bad)), "f:12: hook.faulty.key: is bad"},
		"wrapped":           {fmt.Errorf("glue: %w", plugin.Option("key", bad)), "f:12: hook.faulty.key: glue: key: is bad"},
		"two in a sentence": {fmt.Errorf("%w and %w", plugin.Option("key", bad), io.EOF), "f:12: hook.faulty.key: key: is bad and EOF"},
		"nothing":           {errors.Join(plugin.Option("key", nil), nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := plugin.New()
			plugin.Add(r, "faulty", faulty{}, func(faulty) (Hook, error) { return built(""), c.err })
			into := struct {
				Hook Hook `yaml:"hook"`
			}{}
			err := plugin.Decode(r, "f", []byte(text), &into)
			if err == nil && c.want != "" || err != nil && err.Error() != c.want {
				t.Errorf("\n got %v\nwant %s", err, c.want)
			}
			if err != nil && !errors.Is(err, bad) {
				t.Error("the constructor's error is lost")
			}
		})
	}
}

// Values from outside the file stay there, in whatever words a plugin puts them.
func TestSecretsStayOut(t *testing.T) {
	env := map[string]string{"LONG": "hunter22 and more", "PART": "hunter22", "QUOTED": "a\"b\nc\\d", "SHORT": "in"}
	type config struct {
		All []string `yaml:"all"`
	}
	r := plugin.New()
	plugin.Add(r, "leaky", config{}, func(c config) (Hook, error) {
		return nil, fmt.Errorf("in %v, quoted %q, as %s", c.All, c.All, strings.Join(c.All, "/"))
	})
	into := struct {
		Hook Hook `yaml:"hook"`
	}{}
	text := `hook: {leaky: {all: ["${env:LONG}", "x${env:PART}x", "${env:QUOTED}", "${env:SHORT}"]}}`
	err := plugin.Decode(r, "f", []byte(text), &into, plugin.Env(func(n string) (string, bool) { v, ok := env[n]; return v, ok }))
	const shown = "${env:LONG} x${env:PART}x ${env:QUOTED} in"
	const quoted = `"${env:LONG}" "x${env:PART}x" "${env:QUOTED}" "${env:SHORT}"`
	want := "f:1: hook.leaky: in [" + shown + "], quoted [" + quoted + "], as " + strings.ReplaceAll(shown, " ", "/")
	if err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}

// A registry that is filled may be read from many goroutines.
func TestDecodeConcurrently(t *testing.T) {
	r := registry()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f := File{Memory: 1}
			if err := plugin.Decode(r, "c.yaml", []byte(good), &f, settings()...); err != nil || len(f.Connectors) != 3 {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
