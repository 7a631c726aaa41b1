package plugin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/penstock/penstock/plugin"
)

// site is a plugin with all sorts of options that hold a secret.
type site struct {
	URL     string            `yaml:"url,short" layout:"-"`
	Folder  string            `yaml:"folder"`
	Token   string            `yaml:"token"`
	Salt    string            `yaml:"salt" secret:"true"`
	Headers map[string]string `yaml:"headers" layout:"-"`
}

type sites struct {
	Layout string `yaml:",layout"`
	Site   Hook   `yaml:"site"`
}

// read reads a file with one site, where S is "s3cr3t<&>\"é" and F a file of that.
func readSite(t *testing.T, options string) (*plugin.Registry, *plugin.Sheet, sites, error) {
	t.Helper()
	r := plugin.New()
	plugin.Add(r, "site", site{}, func(s site) (Hook, error) {
		if s.Folder == "bad" {
			return nil, fmt.Errorf("%+v", s)
		}
		return built("x"), nil
	})
	sheet, into := &plugin.Sheet{}, sites{}
	err := plugin.Decode(r, "f", []byte("site: {site: "+options+"}"), &into, plugin.On(sheet),
		plugin.Env(func(name string) (string, bool) { return secret, name != "NONE" }),
		plugin.Files(func(string) ([]byte, error) { return []byte(secret + "\n"), nil }))
	return r, sheet, into, err
}

const secret = "s3cr3t<&>\"é"

// Whatever an option that is a secret holds is masked in every spelling, in the words of the file where it came from outside.
func TestMask(t *testing.T) {
	for options, shown := range map[string]string{
		`{token: "${env:X}"}`:                                    "${env:X}",
		`{token: "${file:X}"}`:                                   "${file:X}",
		`{salt: "${env:X}"}`:                                     "${env:X}",
		`{token: 's3cr3t<&>"é'}`:                                 "***",
		`{token: '${env:NONE:s3cr3t<&>"é}'}`:                     "***",
		`{salt: 's3cr3t<&>"é'}`:                                  "***",
		`{headers: {Authorization: "Bearer ${env:X}"}}`:          "${env:X}",
		`{headers: {x-api-key: "${env:X}"}}`:                     "${env:X}",
		`{url: "https://hooks.example/${env:HOOK_TOKEN}/x"}`:     "${env:HOOK_TOKEN}",
		`{url: "https://hooks.example/${file:hook}/x"}`:          "${file:hook}",
		`"https://me:s3cr3t%3C%26%3E%22%C3%A9@hooks.example/x"`:  "***",
		`"https://s3cr3t%3C%26%3E%22%C3%A9@hooks.example/x"`:     "***",
		`{folder: "${env:TOKENS}"}`:                              "", // which decides names, and so is one
		`{url: "${env:X}"}`:                                      "",
		`{headers: {Accept: "${env:X}", token.url: "${env:X}"}}`: "",
	} {
		r, _, into, err := readSite(t, options)
		if err != nil {
			t.Errorf("%s: %v", options, err)
			continue
		}
		quoted, _ := json.Marshal(secret)
		twice, _ := json.Marshal(fmt.Sprintf("%q", secret))
		for _, said := range []string{secret, fmt.Sprintf("%q", secret), fmt.Sprintf("%+q", secret), string(quoted), string(twice), url.QueryEscape(secret), url.PathEscape(secret)} {
			got := r.Mask("it says " + said + " twice: " + said)
			if masked := shown != ""; strings.Contains(got, "s3cr3t") == masked || strings.Count(got, shown) < 2 {
				t.Errorf("%s: %s", options, got)
			}
		}
		if strings.Contains(into.Layout, "s3cr3t") != strings.Contains(options, "folder") {
			t.Errorf("%s: the layout is %s", options, into.Layout)
		}
	}
}

// What would be kept with the layout, for all who read the state topic, is refused.
func TestSecretsInALayout(t *testing.T) {
	for _, options := range []string{`{folder: "https://me:${env:X}@hooks.example"}`, `{folder: "https://me:s3cr3t@hooks.example"}`} {
		if _, _, _, err := readSite(t, options); err == nil || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), "f:1: site.site.folder: holds a secret, and decides names") {
			t.Errorf("%s: %v", options, err)
		}
	}
}

// Mistakes beside a secret, or in its place, are told without it, whether it comes from outside or stands there.
func TestMistakesWithoutSecrets(t *testing.T) {
	for options, want := range map[string]string{
		`{token: [s3cr3t]}`:                                `site.site.token: expects text, not a list`,
		`{token: {s3cr3t: }}`:                              `{***} without quotes is a mapping`,
		`{tokn: s3cr3t}`:                                   `did you mean "token"?`,
		`{tokn: s3cr3t, folder: bad}`:                      `did you mean "token"?`,
		`{folder: bad, token: s3cr3t}`:                     `Token:***`,
		`{folder: bad, token: "${env:X}"}`:                 `Token:${env:X}`,
		`{folder: bad, headers: {password: "a${env:X}b"}}`: `password:a${env:X}b`,
		`{folder: bad, url: "ftp://s3cr3t@x"}`:             `URL:ftp://***@x`,
	} {
		if _, _, _, err := readSite(t, options); err == nil || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %s", options, err, want)
		}
	}
}

// A secret in the file itself is told of, with its line; one that is referred to is not.
func TestLiterals(t *testing.T) {
	for options, want := range map[string]int{
		`{token: s3cr3t}`: 1, `{token: s3cr3t, headers: {Authorization: Bearer s3cr3t}}`: 2, `"https://me:s3cr3t@x"`: 1, `{salt: "${env:NONE:s3cr3t}"}`: 1,
		`{token: "${env:X}"}`: 0, `{token: ""}`: 0, `{headers: {Accept: text}}`: 0, `"https://me:${env:X}@x"`: 0, `{token: "${env:NONE:}"}`: 0,
	} {
		_, sheet, _, err := readSite(t, options)
		all := sheet.Literals()
		if err != nil || len(all) != want || want > 0 && (all[0].Line != 1 || !strings.Contains(all.Error(), "write \"${env:NAME}\"") || strings.Contains(all.Error(), "s3cr3t")) {
			t.Errorf("%s: %v, %v", options, all, err)
		}
	}
	_, sheet, _, err := readSite(t, `{token: s3cr3t, salt: "${env:X}"}`)
	if got := sheet.Problems("site.site", errors.New("s3cr3t and "+secret)).Error(); err != nil || strings.Contains(got, "s3cr3t") {
		t.Errorf("%s, %v", got, err)
	}
}
