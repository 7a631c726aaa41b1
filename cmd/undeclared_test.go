package cmd

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// Parquet of columns that nobody declared, by a folder that reads one of them as a date: it is a date in the path alone, and in the
// files whatever it was seen to be.
func TestUndeclaredDates(t *testing.T) {
	brokers, python := parts.Kafka(t), parts.Python(t)
	id, dir := fmt.Sprintf("undeclared-%x", time.Now().UnixNano()), t.TempDir()
	write(t, filepath.Join(dir, "p.csv"), "Index,Date,At,Close\nHSI,1986-12-31,1700000000,1.5\nHSI,1987-01-02,,\nNYA,1987-01-05,1600000000000,2\n")
	write(t, filepath.Join(dir, "connectors.yaml"), strings.ReplaceAll(`
kafka: {brokers: ["`+brokers+`"], offsets_topic: ID-offsets, state_topic: ID-state}
connectors:
  ID-prices: {source: {csv: p.csv}, topic: ID}
  ID-lake:
    topics: [ID]
    sink: {local: {dir: lake, path: "index={Index}/year={Date:%Y}/{At:month=%m}", format: parquet}}
`, "ID", id))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	drain := exec.CommandContext(ctx, "penstock", "run", "--drain")
	drain.Dir = dir
	out, err := drain.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ask := exec.Command(python, "-c", `
import duckdb, pathlib
rows = "read_parquet('lake/*/*/*/*.parquet', hive_partitioning = false)"
print([c[:2] for c in duckdb.sql("DESCRIBE SELECT * FROM " + rows).fetchall()])
print(duckdb.sql("SELECT * FROM " + rows + " ORDER BY Date").fetchall())
print(sorted(str(p.parent) for p in pathlib.Path("lake").glob("*/*/*/*.parquet")))`)
	ask.Dir = dir
	out, err = ask.CombinedOutput()
	want := `[('Date', 'VARCHAR'), ('At', 'DOUBLE'), ('Close', 'DOUBLE')]
[('1986-12-31', 1700000000.0, 1.5), ('1987-01-02', None, None), ('1987-01-05', 1600000000000.0, 2.0)]
['lake/index=HSI/year=1986/month=11', 'lake/index=HSI/year=1987/__HIVE_DEFAULT_PARTITION__', 'lake/index=NYA/year=1987/month=09']
`
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}
