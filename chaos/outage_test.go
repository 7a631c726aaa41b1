package chaos

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestStoreAway takes S3 away for longer than a session, in each way it can be away: the worker neither ends nor loses its place
// in the group, and goes on by itself.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{"breaks": reset, "busy": away, "does it and breaks": late, "hangs": hold} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.make(b.name, 1)
			b.file("connectors.yaml", strings.Replace(simple, "{rows: 10, every: 1s}", "{every: 200ms}", 1))
			w := b.start()
			more := func(n int) {
				for range n {
					b.add(5, "")
					time.Sleep(100 * time.Millisecond)
				}
			}
			more(10)
			await(t, "the first rows", func() bool { return b.remembered().offset == 50 })
			before := b.members(b.group())
			b.proxy.set(func(*http.Request) fault { return f })
			began := time.Now()
			more(20)
			stuck := b.remembered().offset
			for time.Since(began) < outage(t) {
				if now := b.members(b.group()); !slices.Equal(now, before) || len(now) != 1 {
					t.Fatalf("the group's members were %q, now %q", before, now)
				}
				time.Sleep(200 * time.Millisecond)
			}
			if now := b.remembered().offset; now > stuck+100 {
				t.Errorf("committed up to %d without a store", now)
			}
			b.proxy.release()
			await(t, "the rest", func() bool { return b.remembered().offset == 150 })
			if now := b.members(b.group()); !slices.Equal(now, before) {
				t.Errorf("the group's members were %q, now %q", before, now)
			}
			w.stop()
			b.wantAll()
			b.wantChain()
		})
	}
}

func outage(t *testing.T) time.Duration {
	t.Helper()
	if testing.Short() {
		return 4 * time.Second
	}
	return 15 * time.Second
}

// TestStoreIsBad lets S3 fail in all ways all the time, one request in three.
func TestStoreIsBad(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	n := 0
	faults := []fault{pass, reset, pass, away, pass, late, late, pass, pass}
	b.proxy.set(func(*http.Request) fault { n++; return faults[n%len(faults)] })
	b.add(200, "")
	b.drain()
	b.wantAll()
	b.wantChain()
	b.wantMark(200, 0, -1)
}
