package cmd

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/penstock/penstock/dev"
	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write what the scripts compare anew")

func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){
		"penstock":             func() { Main(Builtin()) },
		"penstock-with-teller": func() { Main(builtinWithTeller()) },
	})
}

// leakless fails tests that leave goroutines behind.
type leakless struct{ *testing.M }

func (l leakless) Run() int {
	code := l.M.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestScript runs the scripts below testdata/script, each in a folder of its own that holds its files, with the penstock of this
// package. A script may say, beside what testscript knows:
//
//	exits CODE penstock ...   run it, and expect this exit code
//	shows FILE                stdout is as in the file, with T for each time taken
//	athena STATE              queries at $ATHENA_URL end in this state
//	serve                     another process has .penstock, and serves Kafka at $BROKERS, S3 and Glue at $AWS_URL
func TestScript(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "shows": shows, "serve": serveFolder, "athena": serveAthena},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: exits CODE COMMAND ...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

var taken = regexp.MustCompile(`took \d+\.\d s`)

func shows(ts *testscript.TestScript, neg bool, args []string) {
	got, want := taken.ReplaceAllString(ts.ReadFile("stdout"), "took T s"), ts.ReadFile(args[0])
	if neg || got != want {
		ts.Fatalf("stdout is\n%s\nwant\n%s", got, want)
	}
}

func serveAthena(ts *testscript.TestScript, _ bool, args []string) {
	p := player(nil)
	p.states, p.reason = args[:1], "so it is"
	s := httptest.NewServer(p)
	ts.Setenv("ATHENA_URL", s.URL)
	ts.Defer(s.Close)
}

func serveFolder(ts *testscript.TestScript, _ bool, _ []string) {
	parts, err := dev.Start(context.Background(), ts.MkAbs(devFolder))
	ts.Check(err)
	ts.Setenv("BROKERS", parts.Brokers)
	ts.Setenv("AWS_URL", parts.AWS)
	ts.Defer(func() { ts.Check(parts.Close()) })
}
