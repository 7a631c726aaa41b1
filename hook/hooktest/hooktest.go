// Package hooktest holds a hook to the promises of hook.Hook.
package hooktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/sink"
)

// Place is what a hook acts upon: fresh, and used by one test.
type Place struct {
	Hook  func() hook.Hook  // a new one, as another worker would make it
	Runs  func() int        // how often what hooks are for has been done
	Break func(broken bool) // makes whatever the hook asks fail, or work again; nil where nothing can fail
}

// Run holds the hooks of places to what every hook promises, each promise on a place of its own:
//
//   - Making a hook does nothing, and an event of nothing new is nothing to do.
//   - Files that were flushed are acted upon, and so is Recovered without files or time. The event's files are not changed, and not
//     kept: the runtime uses them again.
//   - The same event again, here or of another worker, and at the same time, is no error and does no harm.
//   - Where what it asks is broken there is an error, and the next call goes on. It ends soon after its context. What was not done
//     gave an error, or *hook.Later.
//   - A hook.Reporter says one line at most.
func Run(t *testing.T, open func(t *testing.T) Place) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Place)
	}{
		{"a constructor does nothing", idle},
		{"nothing new is nothing to do", nothing},
		{"what is flushed is acted upon", acts},
		{"what is recovered is acted upon", recovers},
		{"the event is left as it is", lent},
		{"again is harmless, here and elsewhere", again},
		{"many workers at once", workers},
		{"an error is told, and the next call goes on", mends},
		{"it ends with its context", ends},
		{"a report is one line at most", reports},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// Event is one that the tests tell: n files that have just become visible.
func Event(n int) hook.Event {
	e := hook.Event{Connector: "stock-lake", Time: time.Now()}
	for i := range n {
		name := fmt.Sprintf("prices/stock/index=HSI/stock+0+%020d.parquet", i)
		e.Files = append(e.Files, sink.File{Name: name, Path: "prices/stock/index=HSI", Topic: "stock", First: int64(i), Next: int64(i) + 1, Rows: 1, Bytes: 9})
	}
	return e
}

// Tell calls h as the runtime does: when it is not due, again at its time.
func Tell(ctx context.Context, h hook.Hook, e hook.Event) error {
	for {
		err := h.Flushed(ctx, e)
		var later *hook.Later
		if !errors.As(err, &later) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(time.Until(later.At), time.Millisecond)):
		}
	}
}

func tell(t *testing.T, h hook.Hook, e hook.Event) {
	t.Helper()
	if err := Tell(t.Context(), h, e); err != nil {
		t.Fatal(err)
	}
}

func idle(t *testing.T, p Place) {
	if p.Hook(); p.Runs() != 0 {
		t.Error("making the hook ran it")
	}
}

func nothing(t *testing.T, p Place) {
	if tell(t, p.Hook(), Event(0)); p.Runs() != 0 {
		t.Error("it ran without anything new")
	}
}

func acts(t *testing.T, p Place) {
	if tell(t, p.Hook(), Event(3)); p.Runs() == 0 {
		t.Error("it did not run")
	}
}

func recovers(t *testing.T, p Place) {
	e := Event(0)
	e.Recovered = true
	if tell(t, p.Hook(), e); p.Runs() == 0 {
		t.Error("it did not run")
	}
	h := p.Hook()
	e = hook.Event{Connector: "stock-lake", Recovered: true}
	if tell(t, h, e); p.Runs() == 0 {
		t.Error("it did not run without a time")
	}
}

func lent(t *testing.T, p Place) {
	e := Event(3)
	files := slices.Clone(e.Files)
	h := p.Hook()
	tell(t, h, e)
	if !slices.Equal(files, e.Files) {
		t.Errorf("the event's files are %v now", e.Files)
	}
	clear(e.Files) // they are the runtime's again
	tell(t, h, Event(3))
}

func again(t *testing.T, p Place) {
	h, e := p.Hook(), Event(3)
	for range 3 {
		tell(t, h, e)
	}
	tell(t, p.Hook(), e)
}

func workers(t *testing.T, p Place) {
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = Tell(t.Context(), p.Hook(), Event(2)) })
	}
	if all.Wait(); errors.Join(errs...) != nil {
		t.Error(errors.Join(errs...))
	}
}

func mends(t *testing.T, p Place) {
	if p.Break == nil {
		return
	}
	h, e := p.Hook(), Event(3)
	p.Break(true)
	if err := Tell(t.Context(), h, e); err == nil {
		t.Error("no error, though what it asks is broken")
	}
	p.Break(false)
	if tell(t, h, e); p.Runs() == 0 {
		t.Error("it did not run once mended")
	}
}

func ends(t *testing.T, p Place) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	err := p.Hook().Flushed(ctx, Event(3))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to see that its context had ended", took)
	}
	if err == nil && p.Runs() == 0 {
		t.Error("it did not run, and gave no error")
	}
}

func reports(t *testing.T, p Place) {
	h := p.Hook()
	r, ok := h.(hook.Reporter)
	if !ok {
		return
	}
	tell(t, h, Event(3))
	if text := r.Report(); strings.TrimSpace(text) != text || strings.Contains(text, "\n") {
		t.Errorf("the report is %q", text)
	}
}
