package connector

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock/penstock/plugin"
)

// TestLayoutsThatCannotBeHad: where the file is being changed the run begins again, since rows may stand under each layout; where
// the layout itself is at fault, the others are looked for.
func TestLayoutsThatCannotBeHad(t *testing.T) {
	t.Parallel()
	text := fmt.Sprintf("topics: [t]\nsink: {local: {dir: %q, path: new, format: json}}", t.TempDir())
	older := decode(t, strings.Replace(text, "new", "old", 1)).Layout
	hash := layoutHash(older)
	flaw := plugin.Problems{{File: "f", Err: errors.New("flawed")}}
	for name, c := range map[string]struct {
		fails func(call int, layout string) bool
		kept  string
		class Class // of the error
		all   int   // how many there are
		warns int
	}{
		"all is well":            {func(int, string) bool { return false }, older, "", 2, 0},
		"a file in between":      {func(int, string) bool { return true }, older, Restart, 0, 0},
		"a file that was just":   {func(call int, _ string) bool { return call == 1 }, older, "", 2, 0},
		"of another penstock":    {func(_ int, layout string) bool { return layout == older }, older, User, 1, 1},
		"the topic forgot of it": {func(int, string) bool { return false }, "", User, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			calls := 0
			run := &Run{Name: "c", Config: decode(t, text), Log: slog.New(slog.NewTextHandler(&log, nil)), Build: func(layout string) (Config, error) {
				if calls++; c.fails(calls, layout) {
					return Config{}, flaw
				}
				return decode(t, text, plugin.Laid("connectors.c", layout)), nil
			}}
			b := newBook(run)
			b.kept = map[string][]byte{b.usedKey(b.today): {1}, b.usedKey(hash): {1}, layoutKey(b.today): []byte(run.Config.Layout)}
			if c.kept != "" {
				b.kept[layoutKey(hash)] = []byte(c.kept)
			}
			for range 2 {
				all, err := b.past("t")
				if len(all) != c.all || (err != nil) != (c.class == Restart) || err != nil && ClassOf(err, User) != Restart {
					t.Errorf("%d layouts, %v", len(all), err)
				}
			}
			if n := strings.Count(log.String(), "is not looked for"); n != c.warns || n > 0 && !strings.Contains(log.String(), hash) {
				t.Errorf("it is said %d times: %s", n, log.String())
			}
			if _, err := b.rules(hash, "t", 0); ClassOf(err, User) != c.class {
				t.Errorf("to finish a plan: %v", err)
			}
		})
	}
}

// TestWhatLookingCosts: whoever never had another layout asks for nothing; others ask once for each when they take a partition over.
func TestWhatLookingCosts(t *testing.T) {
	r := newRig(t, 1)
	var asked, lists atomic.Int64
	store := storeBehind(t, func(w http.ResponseWriter, q *http.Request, next http.Handler) {
		switch {
		case q.Method == http.MethodHead:
			asked.Add(1)
		case q.Method == http.MethodGet && q.URL.Query().Has("list-type"):
			lists.Add(1)
		}
		next.ServeHTTP(w, q)
	})
	text := r.s3(store, "flush: {every: 50ms}")
	changed := strings.Replace(text, "path: all", "path: new", 1)
	rows := 0
	for i, c := range []struct {
		text string
		want int64
	}{{text, 0}, {text, 0}, {changed, 2}, {changed, 2}} {
		run := r.run(c.text)
		for range 2 {
			r.produce(numbers(rows, 10, 1)...)
			rows += 10
			end := r.ends()[0]
			eventually(t, "all is committed", func() bool { return r.committed()[0].Offset >= end })
		}
		run.stopped()
		if n := asked.Swap(0); n != c.want || lists.Load() > 0 {
			t.Errorf("run %d: the store was asked %d times and listed %d times, want %d and none", i, n, lists.Load(), c.want)
		}
	}
}
