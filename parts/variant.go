package parts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Variant is the path of a penstock binary built from the working tree as a unified diff would change it, with these build tags, once
// a test process. The tree itself stays as it is. Line numbers in the diff do not count: what a hunk takes away, with the lines around
// it, has to stand in its file exactly once, or the test fails; so a variant is mended when the code that it breaks changes.
func Variant(t testing.TB, diff string, tags ...string) string {
	t.Helper()
	tags = slices.Sorted(slices.Values(tags))
	name := strings.TrimSuffix(filepath.Base(diff), ".diff")
	name = strings.Join(append([]string{"penstock", name}, tags...), "-")
	build, _ := built.LoadOrStore(name, sync.OnceValues(func() (string, error) { return buildVariant(name, diff, tags) }))
	path, err := build.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func buildVariant(name, diff string, tags []string) (string, error) {
	text, err := os.ReadFile(diff)
	if err != nil {
		return "", err
	}
	cache, err := FindCache()
	if err != nil {
		return "", err
	}
	root := filepath.Dir(string(cache))
	files, err := patched(os.DirFS(root), string(text))
	if err != nil {
		return "", fmt.Errorf("%s: %w", diff, err)
	}
	dir, err := os.MkdirTemp("", "variant")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := overlay(root, dir, files)
	if err != nil {
		return "", err
	}
	return buildPenstock(name, tags, "-overlay", overlay)
}

// overlay writes the files below dir, and there what tells the go command to take them in the place of those of the same paths
// below root.
func overlay(root, dir string, files map[string]string) (string, error) {
	var text struct{ Replace map[string]string }
	text.Replace = map[string]string{}
	for name, content := range files {
		in := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(in, []byte(content), 0o600); err != nil {
			return "", err
		}
		text.Replace[filepath.Join(root, name)] = in
	}
	in := filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(text)
	if err != nil {
		return "", err
	}
	return in, os.WriteFile(in, list, 0o600)
}
