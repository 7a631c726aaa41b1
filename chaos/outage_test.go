package chaos

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// TestStoreAway takes S3 away for longer than a session, and than the group gives its members between two polls, in each way it can be
// away: the worker neither ends nor loses its place in the group, and goes on by itself.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{"breaks": reset, "busy": away, "does it and breaks": late, "hangs": hold} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.make(b.name, 1)
			b.file("connectors.yaml", strings.Replace(simple, "{rows: 10, every: 1s}", "{every: 200ms}", 1))
			b.impatient("connectors.yaml")
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

// impatient has the group give its members no longer between two polls than a session, the least that it takes.
func (b *bed) impatient(file string) {
	b.t.Helper()
	name := filepath.Join(b.dir, file)
	text, err := os.ReadFile(name)
	b.must("read", err)
	const session = "{session.timeout.ms: "
	_, ms, found := strings.Cut(string(text), session)
	if !found {
		b.t.Fatalf("no session timeout in %s", text)
	}
	ms, _, _ = strings.Cut(ms, "}")
	b.must("write", os.WriteFile(name, []byte(strings.Replace(string(text), session, "{max.poll.interval.ms: "+ms+", session.timeout.ms: ", 1)), 0o600))
}

func outage(t *testing.T) time.Duration {
	t.Helper()
	if testing.Short() {
		return 4 * time.Second
	}
	return 6 * time.Second
}

// TestStoreIsBad lets S3 fail in all ways all the time, one request in three.
func TestStoreIsBad(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	b.proxy.set(turns(pass, reset, pass, away, pass, late, late, pass, fails, busy, pass, lie, pass, skew, pass, pass, blind, slow))
	b.add(200, "")
	b.drain()
	b.wantAll()
	b.wantChain()
	b.wantMark(200, 0, -1)
}

// TestAwayForAMinute takes the store from one worker and, at the same time, the broker from another, for longer than any timeout of
// theirs. Neither ends; both go on by themselves, with all rows and in bounded memory; the one without a store keeps its place in
// the group.
func TestAwayForAMinute(t *testing.T) {
	t.Parallel()
	minute := time.Minute
	if testing.Short() {
		minute = 5 * time.Second
	}
	storeless, w := storeless(t)
	brokerless, broker, v := brokerless(t)
	members, generation := storeless.members(storeless.group()), storeless.generation(storeless.group())
	storeless.proxy.set(turns(reset, hold, away))
	brokerless.must("kill the broker", broker.Kill())
	for began := time.Now(); time.Since(began) < minute; time.Sleep(time.Second) {
		for p := range int32(2) {
			storeless.addTo(p, 500, padding)
		}
		if now := storeless.members(storeless.group()); !slices.Equal(now, members) || len(now) != 1 {
			t.Fatalf("the group's members were %q, now %q", members, now)
		}
	}
	storeless.proxy.set(func(*http.Request) fault { return pass })
	storeless.proxy.release()
	began := time.Now()
	brokerless.must("restart the broker", broker.Restart(t.Context()))

	storeless.awaitEnd()
	t.Logf("all was written %v after the store had come back", time.Since(began).Round(time.Millisecond))
	if now := storeless.generation(storeless.group()); now != generation || !slices.Equal(storeless.members(storeless.group()), members) {
		t.Errorf("the group was of generation %d, now %d", generation, now)
	}
	brokerless.awaitAll()
	t.Logf("all was read and written %v after the broker had come back", time.Since(began).Round(time.Millisecond))
	for _, worker := range []*worker{w, v} {
		kib := worker.peak()
		t.Logf("at most %d MiB were resident", kib>>10)
		if kib == 0 || kib > 128<<10 {
			t.Errorf("a worker had %d MiB resident, with a budget of 16 MiB", kib>>10)
		}
	}
	w.stop()
	v.stop()
	storeless.wantAll()
	storeless.wantChain()
	brokerless.judge()
	brokerless.wantChain()
}

const frugal = "\nmemory: 16MiB\n"

// padding makes a row a kilobyte long.
var padding = `,"pad":"` + strings.Repeat("x", 1000) + `"`

// storeless is a bed with a worker at work, that will lose its store.
func storeless(t *testing.T) (*bed, *worker) {
	t.Helper()
	b := newBed(t)
	b.session = 4 * session // no busy machine takes so long for a heartbeat; whoever lost its membership to the store would be found out all the same
	b.make(b.name, 2)
	b.file("connectors.yaml", strings.Replace(simple, "{rows: 10, every: 1s}", "{every: 200ms}", 1)+frugal)
	w := b.start()
	b.addTo(0, 5, padding)
	b.addTo(1, 5, padding)
	b.awaitEnd()
	return b, w
}

// brokerless is a bed with a worker in the midst of its rows, on a broker of its own.
func brokerless(t *testing.T) (*bed, *parts.Broker, *worker) {
	t.Helper()
	parts.Kafka(t) // asks whether Kafka is installed
	broker, err := parts.StartKafka(t.Context(), t.TempDir(), parts.KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Kill() })
	b := newBedOn(t, broker.Brokers)
	for i := range 2 {
		b.grains(fmt.Sprintf("%d.csv", i), 6000)
	}
	b.file("connectors.yaml", replace(replace(pipeline, "$rate", ", rate: 1000/s"), "every: 200ms", "every: 1s")+frugal)
	w := b.start()
	await(t, "the topic", func() bool { return b.topics()[b.name] })
	b.awaitProgress()
	return b, broker, w
}

// awaitAll waits until the source has stored every row and both sinks have committed them.
func (b *bed) awaitAll() {
	b.t.Helper()
	for began := time.Now(); len(b.rows(b.name)) < b.sent; time.Sleep(time.Second) {
		if time.Since(began) > 2*time.Minute {
			b.t.Fatal("waited two minutes for the source")
		}
	}
	for p, end := range b.ends(b.name) {
		for _, sink := range []string{"-json", "-parquet"} {
			await(b.t, sink, func() bool { return b.committed("connect-"+b.name+sink, b.name, p).offset == end })
		}
	}
}

// turns does one fault after the other.
func turns(faults ...fault) func(*http.Request) fault {
	n := 0
	return func(*http.Request) fault { n++; return faults[n%len(faults)] }
}

// must fails the test for an error.
func (b *bed) must(what string, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// peak is how many KiB of memory the worker has had at most; a worker that has ended fails the test.
func (w *worker) peak() (kib int) {
	w.t.Helper()
	select {
	case <-w.Done():
		w.t.Fatal("the worker has ended")
	default:
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.Pid()))
	w.must("status", err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	_, err = fmt.Sscan(rest, &kib)
	w.must("VmHWM", err)
	return kib
}
