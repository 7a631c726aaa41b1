package parts

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPatched(t *testing.T) {
	tree := fstest.MapFS{
		"a.go":     {Data: []byte("one\ntwo\nthree\ntwo\nfive\nfive\n")},
		"dir/b.go": {Data: []byte("+++\n  x\n")},
	}
	const a, b = "--- a/a.go\n+++ b/a.go\n", "--- a/dir/b.go\n+++ b/dir/b.go\n"
	for _, tt := range []struct {
		diff string
		want map[string]string
		says string
	}{
		{"why\n\n" + a + "@@ -9 +9 @@ anywhere\n-one\n+uno\n+due\n", map[string]string{"a.go": "uno\ndue\ntwo\nthree\ntwo\nfive\nfive\n"}, ""},
		{a + "@@ @@\n three\n-two\n", map[string]string{"a.go": "one\ntwo\nthree\nfive\nfive\n"}, ""},
		{a + "@@ @@\n-one\n@@ @@\n-three\n+3\n" + b + "@@ @@\n-  x\n+y\n", map[string]string{"a.go": "two\n3\ntwo\nfive\nfive\n", "dir/b.go": "+++\ny\n"}, ""},
		{a + "@@ @@\n-two\n", nil, "not stand once"},
		{a + "@@ @@\n-five\n", nil, "not stand once"},
		{a + "@@ @@\n-wo\n+w\n", nil, "not stand once"},
		{a + "@@ @@\n-four\n+4\n", nil, "not stand once"},
		{a + "@@ @@\n one\n", nil, "changes nothing"},
		{a + "@@ @@\n+one\n", nil, "changes nothing"},
		{a + "@@ @@\none\n", nil, "no line of a hunk"},
		{"--- a\n+++ b/c.go\n@@ @@\n-one\n", nil, "c.go"},
		{a, nil, "changes nothing"},
		{"", nil, "changes nothing"},
	} {
		got, err := patched(tree, tt.diff)
		if tt.says == "" && (err != nil || !maps.Equal(got, tt.want)) {
			t.Errorf("%q: %q, %v, want %q", tt.diff, got, err, tt.want)
		}
		if tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%q: error %v, want one that says %q", tt.diff, err, tt.says)
		}
	}
}

func TestVariant(t *testing.T) {
	diff := filepath.Join(t.TempDir(), "shout.diff")
	text := "--- a/cmd/penstock/main.go\n+++ b/cmd/penstock/main.go\n@@ @@\n-func main() {\n+func main() {\n+\tprintln(\"CHANGED\")\n"
	if err := os.WriteFile(diff, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for bin, want := range map[string]bool{Variant(t, diff): true, Penstock(t): false} {
		p := StartPenstock(t, bin, t.TempDir(), nil, "version")
		code, err := p.Wait(t.Context())
		if code != 0 || err != nil || strings.Contains(p.Tail(5), "CHANGED") != want {
			t.Errorf("%s: code %d, error %v, log:\n%s", bin, code, err, p.Tail(5))
		}
	}
}
