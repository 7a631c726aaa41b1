package connector

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// file is one that a local sink made: the numbers in it.
type file struct {
	name string
	rows []int
}

// files are those below dir, by name.
func files(t testing.TB, dir string) (out []file) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.Contains(d.Name(), "+") {
			return nil
		}
		name, _ := filepath.Rel(dir, path)
		out = append(out, file{name, lines(t, path)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func lines(t testing.TB, path string) (out []int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var row struct{ N int }
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, row.N)
	}
	return out
}

// exactly says that the numbers from 0 up to n stand in the files, each once, but for those left out.
func exactly(t testing.TB, dir string, n int, out ...int) {
	t.Helper()
	seen := map[int]int{}
	for _, f := range files(t, dir) {
		for _, row := range f.rows {
			seen[row]++
		}
	}
	for i := range n {
		want := 1
		if slices.Contains(out, i) {
			want = 0
		}
		if seen[i] != want {
			t.Errorf("row %d stands %d times, not %d", i, seen[i], want)
		}
		delete(seen, i)
	}
	if len(seen) > 0 {
		t.Errorf("rows that were never stored: %v", slices.Collect(maps.Keys(seen)))
	}
}

func count(t testing.TB, dir string) (n int) {
	for _, f := range files(t, dir) {
		n += len(f.rows)
	}
	return n
}

// firstOf is the offset that a file's name says.
func firstOf(t testing.TB, name string) int {
	t.Helper()
	parts := strings.Split(strings.TrimSuffix(filepath.Base(name), ".json"), "+")
	n, err := strconv.Atoi(parts[len(parts)-1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
