package e2e

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// A clone is what somebody has who has just cloned the repository, and runs penstock dev in it.
type clone struct {
	t        *testing.T
	bin, dir string
}

func newClone(t *testing.T) clone {
	t.Helper()
	c := clone{t, parts.Penstock(t), t.TempDir()}
	for from, to := range map[string]string{"../connectors.yaml": "connectors.yaml", hsi: "testdata/stock/hsi.csv"} {
		text := must(os.ReadFile(from))(t)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(c.dir, to)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.dir, to), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// start runs penstock dev as somebody whose environment says that AWS is elsewhere.
func (c clone) start(args ...string) *parts.Process {
	c.t.Helper()
	env := []string{"AWS_PROFILE=", "AWS_ENDPOINT_URL=http://127.0.0.1:9", "KAFKA_BROKERS=127.0.0.1:9"}
	return parts.StartPenstock(c.t, c.bin, c.dir, env, append([]string{"dev"}, args...)...)
}

// dev runs it to its end and gives what it says.
func (c clone) dev(args ...string) string {
	c.t.Helper()
	return ends(c.t, c.start(args...), 0, 10*time.Second)
}

// objects is the plain files of the embedded S3 below its folder, with their times.
func (c clone) objects() map[string]time.Time {
	c.t.Helper()
	dir, all := filepath.Join(c.dir, ".penstock", "s3"), map[string]time.Time{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			return err
		}
		if e.IsDir() {
			return fs.SkipDir
		}
		info, err := e.Info()
		key, _ := filepath.Rel(dir, path)
		all[key] = info.ModTime()
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

// crawls is how often the embedded Glue was asked to crawl.
func (c clone) crawls() (n int) {
	c.t.Helper()
	var kept map[string]struct{ Crawls int }
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(c.dir, ".penstock", "glue.json")))(c.t), &kept); err != nil {
		c.t.Fatal(err)
	}
	return kept["stock"].Crawls
}

// everything is how a summary lists connectors, rows, files and paths. The raw files are by the day of the run, or by two of them.
var everything = regexp.MustCompile(`(?s)stock-prices\s+5,692\b.*stock-json\s+5,692\s+[12]\s+[12]\b.*stock-lake\s+5,692\s+25\s+25\b`)

func TestNewcomer(t *testing.T) {
	c := newClone(t)
	began := time.Now()
	said := c.dev()
	t.Logf("the first run took %.1f s", time.Since(began).Seconds())
	if !everything.MatchString(said) {
		t.Errorf("it does not say %v:\n%s", everything, said)
	}
	made := c.objects()
	if n := len(made); n < 26 || n > 27 || c.crawls() != 1 {
		t.Errorf("%d objects, %d crawls, want 26 and 1", n, c.crawls())
	}
	t.Run("the queries it prints answer", func(t *testing.T) { queries(t, c.dir, said) })
	t.Run("a second run adds nothing", func(t *testing.T) {
		said := c.dev()
		if !strings.Contains(said, "nothing new") {
			t.Errorf("it says\n%s", said)
		}
		if again := c.objects(); !equal(made, again) || c.crawls() != 1 {
			t.Errorf("%d objects, %d crawls", len(again), c.crawls())
		}
	})
	t.Run("it stays up and alone", func(t *testing.T) { stays(t, c) })
	t.Run("fresh starts over", func(t *testing.T) {
		if said := c.dev("--fresh"); !everything.MatchString(said) {
			t.Errorf("it says\n%s", said)
		}
		again := c.objects()
		if len(again) != len(made) || equal(made, again) || c.crawls() != 1 {
			t.Errorf("%d objects, made anew: %v, %d crawls", len(again), !equal(made, again), c.crawls())
		}
	})
}

func equal(a, b map[string]time.Time) bool {
	for key, at := range a {
		if !at.Equal(b[key]) {
			return false
		}
	}
	return len(a) == len(b)
}

var addresses = regexp.MustCompile(`Kafka at (\S+), S3 and Glue at (\S+)`)

// stays keeps penstock dev up, looks at what it serves, and meets it with others in the same folder.
func stays(t *testing.T, c clone) {
	c.t = t
	p := c.start("--keep")
	var at []string
	for end := time.Now().Add(10 * time.Second); at == nil; time.Sleep(20 * time.Millisecond) {
		if at = addresses.FindStringSubmatch(p.Tail(5)); at == nil && time.Now().After(end) {
			t.Fatalf("it says\n%s", p.Tail(20))
		}
	}
	made := c.objects()
	for _, flag := range []string{"--keep=false", "--fresh"} {
		if said := ends(t, c.start(flag), 3, 10*time.Second); !strings.Contains(said, ".penstock: another process serves this folder; stop it") {
			t.Errorf("another run with %s says\n%s", flag, said)
		}
	}
	t.Run("what it serves", func(t *testing.T) {
		b := newBucket(parts.S3Access{Endpoint: at[2], AccessKey: "any", SecretKey: "any", Region: "us-east-1"}, "stock-lake")
		judged(t, "stock", hsi, readTopic(t, at[1], "stock"), b.all(t))
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Error(err)
	}
	ends(t, p, 0, time.Second)
	if !equal(made, c.objects()) {
		t.Error("the objects are not those that were there before")
	}
}

var query = regexp.MustCompile(`(?m)^\s*duckdb -c "(.*)"$`)

// queries runs what a summary offers to paste, and wants the first rows of the CSV with their own dates.
func queries(t *testing.T, dir, said string) {
	python := parts.Python(t)
	found := query.FindAllStringSubmatch(said, -1)
	if len(found) != 2 {
		t.Errorf("%d queries in\n%s", len(found), said)
	}
	for _, q := range found {
		cmd := exec.CommandContext(t.Context(), python, "-c", "import duckdb, sys\nprint(sorted({str(r[0]) for r in duckdb.sql(sys.argv[1]).fetchall()}))", q[1])
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		want := "['1986-12-31', '1987-01-02', '1987-01-05', '1987-01-06', '1987-01-07']"
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s gives the dates %s, error %v, want %s", q[1], got, err, want)
		}
	}
}
