package cmd

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// process is a penstock that is told to end.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	said strings.Builder // stdout and stderr, up to what was waited for
	out  *bufio.Reader
}

// begin starts a penstock in a folder with one connectors.yaml and one CSV file.
func begin(t *testing.T, config string, args ...string) *process {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "connectors.yaml"), config)
	write(t, filepath.Join(dir, "p.csv"), "Index,Close\n"+strings.Repeat("HSI,1.5\n", 100))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	p := &process{t: t, cmd: exec.CommandContext(ctx, "penstock", args...)}
	p.cmd.Dir = dir
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr, p.out = p.cmd.Stdout, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); p.cmd.Wait() })
	return p
}

// until reads on to a line that fits, and gives what the expression's group caught.
func (p *process) until(expr string) string {
	p.t.Helper()
	for fits := regexp.MustCompile(expr); ; {
		line, err := p.out.ReadString('\n')
		p.said.WriteString(line)
		if m := fits.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
			return m[len(m)-1]
		}
		if err != nil {
			p.t.Fatalf("no line fits %s in\n%s", expr, p.said.String())
		}
	}
}

// end signals, and gives the exit code and what was said after it.
func (p *process) end(s syscall.Signal) (code int, rest string) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	text, err := io.ReadAll(p.out) // until it has ended, or its time is up
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode(), string(text)
}

func TestDevKeep(t *testing.T) {
	p := begin(t, `
kafka: {brokers: [localhost:9092]}
connectors:
  prices: {source: {csv: p.csv}, topic: prices}
  lake: {topics: [prices], sink: {s3: {bucket: lake, path: raw, format: json}}}
`, "dev", "--keep")
	url := p.until(`^Still up, until interrupted: Kafka at 127\.0\.0\.1:\d+, S3 and Glue at (http://127\.0\.0\.1:\d+)$`)
	r, err := http.Get(url + "/lake/raw/prices+0+00000000000000000000.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r.Body)
	r.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if n := strings.Count(string(text), "\n"); err != nil || n != 100 {
		t.Errorf("the object has %d lines, want 100; %v", n, err)
	}
	if code, rest := p.end(syscall.SIGINT); code != 0 || rest != "" {
		t.Errorf("exit code %d\n%s", code, rest)
	}
}

// A drain that is told to end early says that it has not written everything.
func TestDevStopped(t *testing.T) {
	p := begin(t, `
kafka: {brokers: [localhost:9092]}
connectors:
  prices: {source: {csv: {path: p.csv, rate: 1/s}}, topic: prices}
  lake: {topics: [prices], sink: {s3: {bucket: lake, path: raw, format: json}}, flush: {rows: 1}}
`, "dev", "--verbose")
	p.until(`"level":"DEBUG"`)
	code, rest := p.end(syscall.SIGTERM)
	if code != exitFailed || !strings.HasSuffix("\n"+rest, "\nstopped before everything was written; run it again to go on from there\n") {
		t.Errorf("exit code %d\n%s", code, rest)
	}
}

// Without --drain, a broker that is not there is waited for.
func TestRunWaitsForKafka(t *testing.T) {
	p := begin(t, `
kafka: {brokers: ["127.0.0.1:1"]}
connectors:
  prices: {source: {csv: p.csv}, topic: prices}
`, "run")
	p.until(`"level":"WARN","msg":"waits for Kafka","error":"kafka at 127\.0\.0\.1:1: topic prices: .*; start it, or check brokers`)
	p.until(`"msg":"connector failed, begins again","connector":"prices"`)
	if code, rest := p.end(syscall.SIGTERM); code == exitInput || code == exitEnvironment {
		t.Errorf("exit code %d\n%s", code, rest)
	}
}

// The queries that dev prints are ones that DuckDB answers.
func TestDevQueries(t *testing.T) {
	python := parts.Python(t)
	p := begin(t, `
kafka: {brokers: [localhost:9092]}
connectors:
  prices: {source: {csv: p.csv}, topic: prices}
  raw: {topics: [prices], sink: {s3: {bucket: lake, path: "raw/date={time:%Y-%m-%d}", format: {json: {compression: gzip}}}}}
  lake:
    topics: [prices]
    sink: {s3: {bucket: lake, path: "it's/$1/index={Index}", format: parquet}}
    schema: {columns: {Index: string, Close: double}}
`, "dev")
	for range 2 {
		sql := p.until(`^  duckdb -c "(.*)"$`)
		ask := exec.Command(python, "-c", "import duckdb, sys; print(duckdb.sql(sys.argv[1]).fetchall())", strings.ReplaceAll(sql, `\$`, "$"))
		ask.Dir = p.cmd.Dir
		out, err := ask.CombinedOutput()
		if n := strings.Count(string(out), "'HSI'"); err != nil || n != 5 {
			t.Errorf("%s\n%d rows: %s%v", sql, n, out, err)
		}
	}
}
