package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/penstock/penstock/dev"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
)

// served is a folder with a file of connectors, and 1,000 rows, for a broker of the test's own.
func served(t *testing.T) (dir string) {
	t.Helper()
	parts, err := dev.Start(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parts.Close() })
	dir = t.TempDir()
	write(t, filepath.Join(dir, "p.csv"), "Index,Close\n"+strings.Repeat("HSI,1.5\n", 1000))
	write(t, filepath.Join(dir, "connectors.yaml"), fmt.Sprintf(`
kafka: {brokers: [%q]}
connectors:
  prices: {source: {csv: {path: %q, rate: 2000/s}}, topic: prices}
  lake: {topics: [prices], sink: {local: {dir: %q, format: json}}}
`, parts.Brokers, dir+"/p.csv", dir+"/lake"))
	return dir
}

// onTerminal runs penstock on a terminal of its own, and gives all that came to stand there.
func onTerminal(t *testing.T, dir string, env string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "penstock", args...)
	c.Dir, c.Env = dir, append(os.Environ(), "TERM=xterm", env)
	screen, err := pty.StartWithSize(c, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	text, err := io.ReadAll(screen)
	if err != nil && !errors.Is(err, syscall.EIO) { // the other side is closed
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// On a terminal a bar stands for each connector, below what is logged, and stays as it was in the end.
func TestBars(t *testing.T) {
	t.Parallel()
	dir := served(t)
	text := onTerminal(t, dir, "NO_COLOR=", "run", "--drain")
	for _, want := range []string{
		`(?m)^(?:\x1b\[[0-9]+A\x1b\[J)?time=\S+ level=INFO msg="joined the group" connector=lake group=connect-lake$`,
		`prices +\[=+>-+\]  [1-9][0-9]* rows  [0-9,]+ rows/s`,
		`lake +\[-+\]  lag [0-9,]+  0 rows  0 files  0 B`,
		`prices +\[=+>\]  1,000 rows  [1-9][0-9,]* rows/s\nlake +\[=+>\]  lag 0  1,000 rows  1 file  27 KiB\n$`,
	} {
		if plain := colour.ReplaceAllString(text, ""); !regexp.MustCompile(want).MatchString(plain) {
			t.Errorf("nothing fits %s in\n%s", want, plain)
		}
	}
	if !colour.MatchString(text) {
		t.Error("there is no colour on a terminal")
	}
	if err := os.RemoveAll(filepath.Join(dir, "lake")); err != nil { // it is of a topic with another id
		t.Fatal(err)
	}
	text = onTerminal(t, dir, "NO_COLOR=1", "dev")
	if colour.MatchString(text) {
		t.Error("there is colour, though NO_COLOR is set")
	}
	if want := `prices +\[=+>\]  1,000 rows  [0-9,]+ rows/s\nlake +\[=+>\]  lag 0  1,000 rows  1 file  27 KiB\nconnector +rows`; !regexp.MustCompile(want).MatchString(text) {
		t.Errorf("nothing fits %s in\n%s", want, text)
	}
}

// Elsewhere the log says how far each connector is, and there is neither a bar nor colour.
func TestLinesOfProgress(t *testing.T) {
	t.Parallel()
	dir := served(t)
	load := func(opts ...plugin.DecodeOption) (*worker.File, error) {
		return readFile(Builtin(), filepath.Join(dir, "connectors.yaml"), opts...)
	}
	var out bytes.Buffer
	s := newScreen(&out)
	w, err := worker.Start(load, logger(s, slog.LevelWarn, false, shownAsIs))
	if err != nil {
		t.Fatal(err)
	}
	stop := s.follow(w, logger(s, slog.LevelInfo, false, shownAsIs), 50*time.Millisecond)
	err = w.Drain(t.Context())
	if time.Sleep(100 * time.Millisecond); err != nil {
		t.Error(err)
	}
	stop()
	type line struct {
		Msg, Connector                   string
		Rows, Lag, Files, Bytes, Percent float64
	}
	last, half := map[string]line{}, false
	for text := range strings.Lines(out.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.Msg != "progress" || l.Rows < last[l.Connector].Rows {
			t.Fatalf("after %+v: %v, %s", last[l.Connector], err, text)
		}
		half = half || l.Connector == "prices" && l.Percent > 0 && l.Percent < 100
		last[l.Connector] = l
	}
	if p := last["prices"]; !half || p.Rows != 1000 || p.Percent != 100 {
		t.Errorf("the source ends with %+v", p)
	}
	if p := last["lake"]; p.Rows != 1000 || p.Lag != 0 || p.Files != 1 || p.Bytes < 20_000 {
		t.Errorf("the sink ends with %+v", p)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("there is something for a terminal in the log")
	}
}

func TestSpeed(t *testing.T) {
	var s speed
	at := time.Unix(1_700_000_000, 0)
	for i, c := range []struct {
		after time.Duration
		rows  int64
		want  int64
	}{
		{0, 500, 0},
		{500 * time.Millisecond, 900, 800},
		{1000 * time.Millisecond, 1500, 1000},
		{1999 * time.Millisecond, 9000, 1000},
		{3000 * time.Millisecond, 1500, 0},
		{7000 * time.Millisecond, 3500, 500},
	} {
		if got := s.of(c.rows, at.Add(c.after)); got != c.want {
			t.Errorf("%d: %d rows a second, want %d", i, got, c.want)
		}
	}
}
