package chaos

import (
	"testing"
	"time"
)

var spaced = replace(simple, "{rows: 10, every: 1s}", "{every: 300ms}") + `
    after_flush: [{glue: {crawler: c, endpoint: "$glue", poll: 100ms, at_most_every: 3s}}]
`

// between is what spaced leaves between two crawls.
const between = 3 * time.Second

// wantSpaced wants so many crawls at most, none too soon after another.
func (b *bed) wantSpaced(most int) []time.Time {
	b.t.Helper()
	crawls := b.hooks.crawls()
	if len(crawls) == 0 || len(crawls) > most {
		b.t.Fatalf("crawls began at %v, want 1 to %d", crawls, most)
	}
	for i, at := range crawls[1:] {
		if after := at.Sub(crawls[i]); after < between {
			b.t.Errorf("crawl %d began %v after another", i+1, after)
		}
	}
	return crawls
}

// awaitTold waits until no partition owes the hooks anything.
func (b *bed) awaitTold(partitions int32) {
	b.t.Helper()
	for p := range partitions {
		await(b.t, "the hooks to hear of all", func() bool { return b.committed(b.group(), b.name, p).Owed == nil })
	}
}

// TestCrawlsAreShared has three workers flush all the time, and one crawler that may not run that often.
func TestCrawlsAreShared(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.hooks.takes = between / 2
	b.make(b.name, 6)
	b.file("connectors.yaml", spaced)
	workers := []*worker{b.start(), b.start(), b.start()}
	await(t, "three members", func() bool { return len(b.members(b.group())) == 3 })
	began := time.Now()
	last := began
	for time.Since(began) < 2*between {
		last = time.Now()
		for p := range int32(6) {
			b.addTo(p, 20, "")
		}
		time.Sleep(200 * time.Millisecond)
	}
	b.awaitEnd()
	b.awaitTold(6)
	crawls := b.wantSpaced(1 + int(time.Since(began)/between))
	if end := crawls[len(crawls)-1]; end.Before(last) {
		t.Errorf("the last crawl began at %v, and rows came at %v", end, last)
	}
	for _, w := range workers {
		w.stop()
	}
	b.wantAll()
}

// TestOwedCrawlOutlivesItsWorker kills the worker that waits for its crawl's turn: the next one has it started.
func TestOwedCrawlOutlivesItsWorker(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", spaced)
	w := b.startTo("never")
	await(t, "a member", func() bool { return len(b.members(b.group())) == 1 })
	b.hooks.start(theCrawler) // somebody else's
	b.add(25, "")
	await(t, "the rows", func() bool { return b.remembered().offset == 25 })
	w.must("kill", w.Kill())
	b.wantMark(25, 0, 0)
	if n := len(b.hooks.crawls()); n != 1 {
		t.Fatalf("%d crawls began; the worker was to wait", n)
	}
	w = b.start()
	b.awaitTold(1)
	b.wantSpaced(2)
	w.stop()
	b.wantMark(25, 0, -1)
}
