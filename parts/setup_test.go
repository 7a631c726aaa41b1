package parts

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// making is a step that writes its name as its product.
func making(name string, pins ...string) step {
	return step{name: name, pins: pins, product: name, install: func(_ context.Context, c Cache) error {
		return os.WriteFile(c.path(name), []byte(name), 0o644)
	}}
}

func fresh(t *testing.T) Cache {
	t.Helper()
	c := Cache(t.TempDir())
	if err := os.Mkdir(c.path("stamps"), 0o755); err != nil {
		t.Fatal(err)
	}
	return c
}

func names(steps []step) (n []string) {
	for _, s := range steps {
		n = append(n, s.name)
	}
	return n
}

func TestDue(t *testing.T) {
	a, b := making("a", "1"), making("b", "1", "2")
	tests := []struct {
		name   string
		change func(Cache) error
		steps  []step
		due    []string
	}{
		{"nothing changed", func(Cache) error { return nil }, []step{a, b}, nil},
		{"a pin changed", func(Cache) error { return nil }, []step{making("a", "2"), b}, []string{"a"}},
		{"a pin moved", func(Cache) error { return nil }, []step{a, making("b", "12")}, []string{"b"}},
		{"a new step", func(Cache) error { return nil }, []step{a, b, making("c")}, []string{"c"}},
		{"the product is gone", func(c Cache) error { return os.Remove(c.path("b")) }, []step{a, b}, []string{"b"}},
		{"the stamp is gone", func(c Cache) error { return os.Remove(c.path("stamps", "a")) }, []step{a, b}, []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fresh(t)
			if got := names(c.due([]step{a, b})); len(got) != 2 {
				t.Fatalf("due at first: %v, want both", got)
			}
			if err := c.runAll(t.Context(), []step{a, b}, func(string) {}); err != nil {
				t.Fatal(err)
			}
			if err := tt.change(c); err != nil {
				t.Fatal(err)
			}
			if got := names(c.due(tt.steps)); !slices.Equal(got, tt.due) {
				t.Errorf("due: %v, want %v", got, tt.due)
			}
		})
	}
}

func TestStepFails(t *testing.T) {
	broken := step{name: "broken", product: "x", install: func(context.Context, Cache) error { return errors.New("no network") }}
	empty := step{name: "empty", product: "x", install: func(context.Context, Cache) error { return nil }}
	waits := step{name: "waits", product: "y", install: func(ctx context.Context, _ Cache) error { <-ctx.Done(); return ctx.Err() }}
	tests := []struct {
		name  string
		steps []step
		want  string
	}{
		{"it says so", []step{broken}, "broken: no network"},
		{"it makes no product", []step{empty}, "empty: installed, yet stat"},
		{"it ends the others", []step{broken, waits}, "broken: no network"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fresh(t)
			err := c.runAll(t.Context(), tt.steps, func(string) {})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "waits") {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if due := c.due(tt.steps); len(due) != len(tt.steps) {
				t.Errorf("due: %v, want all", names(due))
			}
		})
	}
}

func TestRunAllInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	waits := step{name: "waits", install: func(ctx context.Context, _ Cache) error { <-ctx.Done(); return ctx.Err() }}
	if err := fresh(t).runAll(ctx, []step{waits}, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestLock(t *testing.T) {
	c := fresh(t)
	unlock, err := c.lock()
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		again, err := c.lock()
		if err != nil {
			t.Error(err)
			return
		}
		close(second)
		again()
	})
	select {
	case <-second:
		t.Error("the cache is locked twice")
	case <-time.After(50 * time.Millisecond):
	}
	unlock()
	wg.Wait()
	<-second
}

func TestMissingTools(t *testing.T) {
	ctx := t.Context()
	bad := []string{"false"}
	good := tool{"Java", "jre", []string{"true"}}
	tests := []struct {
		name  string
		tools []tool
		want  string
	}{
		{"none", []tool{good}, ""},
		{"one", []tool{good, {"Maven", "maven", bad}},
			"not found: Maven; install it first (Debian: apt-get install maven)"},
		{"two, one of them twice", []tool{{"Maven", "maven", bad}, {"Maven", "maven", bad}, {"Python", "python3", []string{"/nowhere"}}},
			"not found: Maven, Python; install it first (Debian: apt-get install maven python3)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := missing(ctx, []step{{needs: tt.tools}})
			if got := errorText(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMissingToolsOfARealMachine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := missing(t.Context(), steps())
	for _, want := range []string{"Java 17", "Maven", "Python 3.11"} {
		if got := errorText(err); !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%q does not name %s in one line", got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestPinsAreExact(t *testing.T) {
	for line := range strings.Lines(requirements) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' && !strings.Contains(line, "==") {
			t.Errorf("requirements.txt: %q pins no version", line)
		}
	}
	for _, word := range []string{"SNAPSHOT", "LATEST", "RELEASE", "["} {
		if strings.Contains(pom, word) {
			t.Errorf("pom.xml holds %q", word)
		}
	}
}

func TestFailedProgramShowsItsLastLines(t *testing.T) {
	err := sh(t.Context(), []string{"WORD=why"}, "sh", "-c", "seq 100; echo $WORD; exit 3")
	got := errorText(err)
	if !strings.Contains(got, "exit status 3") || !strings.HasSuffix(got, "\n100\nwhy") || strings.Contains(got, "\n10\n") {
		t.Errorf("got %q", got)
	}
}
