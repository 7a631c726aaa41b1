package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

const httpsink = "../docs/examples/httpsink"

// The tutorial shows the very file that is built and run here, and it is short.
func TestTutorial(t *testing.T) {
	doc := string(must(os.ReadFile("../docs/plugins.md"))(t))
	if text := string(must(os.ReadFile(httpsink + "/main.go"))(t)); !strings.Contains(doc, "```go\n"+text+"```\n") || strings.Count(text, "\n") > 60 {
		t.Errorf("docs/plugins.md does not show main.go, or it is longer than 60 lines:\n%s", text)
	}
}

// stranger copies the tutorial's module to a place of its own, as somebody who writes a plugin has it. The hashes of what penstock
// needs come along, so that nothing is asked for that penstock's own build had not needed.
func stranger(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{httpsink + "/go.mod", httpsink + "/main.go", httpsink + "/main_test.go", "../go.sum"} {
		text := must(os.ReadFile(name))(t)
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	goes(t, dir, "mod", "edit", "-replace=github.com/penstock/penstock="+must(filepath.Abs(".."))(t))
	return dir
}

// goes runs the go command.
func goes(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// receiver keeps what is PUT, with its headers, and replaces nothing. It may be told to keep a worker waiting.
type receiver struct {
	url string

	mu      sync.Mutex
	objects map[string]received
	trap    trap
	caught  chan struct{}
	met     int // how often something stood already
}

type received struct {
	body   []byte
	header http.Header
}

type trap int

const (
	open   trap = iota
	before      // the next PUT waits, and is never done
	after       // the next PUT is done, and its answer never comes
)

func newReceiver(t *testing.T) *receiver {
	r := &receiver{objects: map[string]received{}}
	server := httptest.NewUnstartedServer(r)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of workers that were killed
	server.Start()
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// set lays a trap; what it gives is closed when somebody is in it.
func (r *receiver) set(to trap) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trap, r.caught = to, make(chan struct{})
	return r.caught
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil || req.Method != http.MethodPut || req.Header.Get("If-None-Match") != "*" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	what := r.trap
	if r.trap = open; what != open {
		close(r.caught)
	}
	stands, met := r.objects[req.URL.Path]
	if !met && what != before {
		r.objects[req.URL.Path] = received{body, req.Header}
	}
	r.mu.Unlock()
	switch {
	case what != open:
		<-req.Context().Done()
	case met:
		r.mu.Lock()
		r.met++
		r.mu.Unlock()
		maps.Copy(w.Header(), stands.header)
		w.WriteHeader(http.StatusPreconditionFailed)
	}
}

// rows is how often each row stands in the objects.
func (r *receiver) rows(t *testing.T) map[string]int {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]int{}
	for name, o := range r.objects {
		for line := range bytes.Lines(o.body) {
			var row struct{ N string }
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			seen[row.N]++
		}
	}
	return seen
}

// A sink that somebody wrote in a module of their own, of the public packages alone, passes the suite, and puts each row out once
// though its process is killed: with an interval on its way, and with one that was made but whose answer never came.
func TestThirdPartySink(t *testing.T) {
	t.Parallel()
	brokers, dir := parts.Kafka(t), stranger(t)
	bin := filepath.Join(dir, "penstock")
	began := time.Now()
	goes(t, dir, "build", "-o", bin, ".")
	t.Logf("built in %.1f s", time.Since(began).Seconds())
	t.Run("the suite", func(t *testing.T) { t.Parallel(); goes(t, dir, "test", ".") })
	t.Run("what the tutorial says of it", func(t *testing.T) { said(t, bin) })
	t.Run("killed", func(t *testing.T) { t.Parallel(); killed(t, brokers, bin) })
}

// said holds the tutorial's own file to check, and a mistake in it, and asks for the documentation.
func said(t *testing.T, bin string) {
	doc, dir := string(must(os.ReadFile("../docs/plugins.md"))(t)), t.TempDir()
	_, file, _ := strings.Cut(doc, "```yaml\n")
	file, _, _ = strings.Cut(file, "```\n")
	for to, want := range map[string]string{
		`{http: "http://localhost:8080/stock"}`: "1 connector, no mistakes",
		`{http: {urk: x}}`:                      `unknown option "urk"; did you mean "url"?`,
	} {
		text := strings.Replace(file, `{http: "http://localhost:8080/stock"}`, to, 1)
		if err := os.WriteFile(filepath.Join(dir, "connectors.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		check := exec.Command(bin, "check")
		check.Dir = dir
		if out, _ := check.CombinedOutput(); !strings.Contains(string(out), want) {
			t.Errorf("%s\nwant %s", out, want)
		}
	}
	out, err := exec.Command(bin, "docs", "http").CombinedOutput()
	if text := string(out); err != nil || !strings.Contains(text, "url") || !strings.Contains(text, "Where objects are PUT below.") {
		t.Errorf("%v\n%s", err, text)
	}
}

func killed(t *testing.T, brokers, bin string) {
	const rows = 2000
	r, dir, id := newReceiver(t), t.TempDir(), fmt.Sprintf("httpsink-%x", time.Now().UnixNano())
	var csv strings.Builder
	fmt.Fprintln(&csv, "n")
	for i := range rows {
		fmt.Fprintf(&csv, "r%d\n", i)
	}
	file := fmt.Sprintf(`
kafka: {brokers: [%q], offsets_topic: %[2]s-offsets, state_topic: %[2]s-state, properties: {session.timeout.ms: 1500}}
listen: ""
connectors:
  %[2]s-in: {source: {csv: {path: rows.csv, key: n}}, topic: {name: %[2]s, partitions: 2}}
  %[2]s:
    topics: [%[2]s]
    sink: {http: %[3]s}
    flush: {rows: 200, every: 500ms}
`, brokers, id, r.url)
	for name, text := range map[string]string{"rows.csv": csv.String(), "connectors.yaml": file} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []trap{before, after} {
		caught := r.set(to)
		p := parts.StartPenstock(t, bin, dir, nil, "run")
		select {
		case <-caught:
		case <-time.After(30 * time.Second):
			t.Fatalf("nothing is PUT; it says\n%s", p.Tail(20))
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	p := parts.StartPenstock(t, bin, dir, nil, "run")
	for end := time.Now().Add(30 * time.Second); len(r.rows(t)) < rows; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d rows; it says\n%s", len(r.rows(t)), p.Tail(20))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	ends(t, p, 0, time.Second)
	seen := r.rows(t)
	for i := range rows {
		if n := seen[fmt.Sprint("r", i)]; n != 1 {
			t.Errorf("row %d stands %d times", i, n)
		}
	}
	if len(seen) != rows || r.met == 0 {
		t.Errorf("%d rows, want %d; %d objects stood already, want one at least", len(seen), rows, r.met)
	}
}
