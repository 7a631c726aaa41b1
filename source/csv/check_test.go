package csv

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck: what the headers lack, each once with the first file that lacks it. No row is read.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.csv": "Date;x\n\"an open quote", "b.csv": "day;x\n1;2\n", "c.csv": "day;y\n", "d.csv": "", "e.csv.gz": "no gzip",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for glob, want := range map[string]string{
		"a.csv":   "",
		"no*.csv": `path: csv: no file matches "DIR/no*.csv"; check the path, and that this process may read its folders`,
		"[a-c].csv": `time: csv: b.csv: there is no column "Date"; the columns are ["day" "x"]
key: csv: c.csv: there is no column "x"; the columns are ["day" "y"]`,
		"d.csv": "path: csv: d.csv: the file is empty; its first line must name the columns, or else header: false",
		"e*":    "path: csv: e.csv.gz: the file cannot be decompressed: unexpected EOF; is it whole, and gzip as its name says?",
	} {
		c := Defaults()
		c.Path, c.Delimiter, c.Time, c.Key = filepath.Join(dir, glob), ";", "Date", "x"
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := s.(*files).Check(t.Context()); err != nil {
			got = strings.ReplaceAll(err.Error(), dir, "DIR")
		}
		if got != want {
			t.Errorf("%s: %s\nwant %s", glob, got, want)
		}
	}
	c := Defaults()
	c.Path, c.Follow, c.Time = filepath.Join(dir, "d.csv"), true, "Date"
	s, err := New(c)
	if err == nil {
		err = s.(*files).Check(t.Context())
	}
	if err != nil {
		t.Errorf("a file that is followed, and has no header yet: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := s.(*files).Check(ended); err == nil {
		t.Error("it goes on where nobody waits")
	}
}
