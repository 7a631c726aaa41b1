package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"testing"

	"github.com/penstock/penstock/parts"
)

// A verdict is what judge.py found with one of its readers in one folder.
type verdict struct {
	Folder, Reader string
	Rows, Count    int
	Problems       []string
}

func (v verdict) problems() problems {
	return append(problems(v.Problems), make(problems, v.Count-len(v.Problems))...)
}

// judgePython has DuckDB and pyarrow compare each folder of files with a CSV: two verdicts a folder.
func judgePython(t testing.TB, csv string, folders ...string) (all []verdict) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), parts.Python(t), append([]string{"judge.py", csv}, folders...)...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("judge.py: %v\n%s", err, exit.Stderr)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("judge.py: %v: %s", err, lines.Bytes())
		}
		all = append(all, v)
	}
	if err != nil || len(all) != 2*len(folders) {
		t.Fatalf("judge.py gave %d verdicts on %d folders, error %v", len(all), len(folders), err)
	}
	return all
}
