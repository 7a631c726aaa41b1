package cmd

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penstock/penstock/sink"
)

// file is one that a sink wrote.
func file(path, name string, rows, bytes int64) sink.File {
	return sink.File{Name: path + "/" + name, Path: path, Rows: rows, Bytes: bytes}
}

func TestReport(t *testing.T) {
	for name, c := range map[string]struct {
		all  []tally
		want string
	}{
		"nothing": {[]tally{{name: "prices"}, {name: "lake"}},
			"nothing new: everything was written by an earlier run (--fresh starts over); took 1.3 s\n"},
		"a source alone": {[]tally{{name: "prices", read: 5692}}, `connector   rows  files  paths  size
prices     5,692      -      -     -

took 1.3 s
`},
		"a sink, and one that had nothing to do": {[]tally{{name: "idle"}, {name: "lake", files: []sink.File{
			file("prices/index=NYA", "p+1+00000000000000000004.parquet", 1234567, 3<<20),
			file("prices/index=HSI", "p+0+00000000000000000000.parquet", 1, 900),
			file("prices/index=HSI", "p+1+00000000000000000003.parquet", 1, 100),
		}}}, `connector       rows  files  paths     size
lake       1,234,569      3      2  3.0 MiB

took 1.3 s

lake wrote STORE/lake/prices/index=HSI/p+0+00000000000000000000.parquet
  duckdb -c "SELECT * FROM read_parquet('STORE/lake/prices/index=*/*.parquet', hive_partitioning = true) LIMIT 5"
`},
		"hooks, with files and for those of an earlier run": {[]tally{
			{name: "a-long-name", files: []sink.File{file("elsewhere", "t+0+00000000000000000000.json", 2, 20)}, hooks: 1}, {name: "é", hooks: 12},
		}, `connector    rows  files  paths  size  hooks
a-long-name     2      1      1  20 B      1
é               0      -      -     -     12

took 1.3 s
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			put(t, "STORE/lake/prices/index=HSI/p+0+00000000000000000000.parquet", "STORE/.meta/elsewhere/t+0+00000000000000000000.json")
			if got := report(c.all, "STORE", 1260*time.Millisecond); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func put(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQuery(t *testing.T) {
	const file = "/s.t+0+00000000000000000000"
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"raw/s.t" + file + ".json"}, `SELECT * FROM read_json('b/raw/s.t/*.json') LIMIT 5`},
		{[]string{"raw/d=2026-01-31/i=HSI" + file + ".json.gz", "raw/d=2026-02-01/i=NYA" + file + ".json.gz"},
			`SELECT * FROM read_json('b/raw/d=*/i=*/*.json.gz', hive_partitioning = true) LIMIT 5`},
		{[]string{"raw/HSI/01" + file + ".json.zst", "raw/NYA/01" + file + ".json.zst"}, `SELECT * FROM read_json('b/raw/*/01/*.json.zst') LIMIT 5`},
		{[]string{"o'clock/y=1" + file + ".parquet"}, `SELECT * FROM read_parquet('b/o''clock/y=*/*.parquet', hive_partitioning = true) LIMIT 5`},
	} {
		if got := query("b", c.names); got != c.want {
			t.Errorf("%v\n got %s\nwant %s", c.names, got, c.want)
		}
	}
	if got, want := quoted("a \"b\" $c `d` \\"), "\"a \\\"b\\\" \\$c \\`d\\` \\\\\""; got != want {
		t.Errorf("quoted: got %s, want %s", got, want)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 rows", 1: "1 row", 2: "2 rows", 5692: "5,692 rows"} {
		if got := count(n, "row"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
