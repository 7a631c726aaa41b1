package connector

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock/record"
)

func TestBudget(t *testing.T) {
	ps := newRig(t, 3).partitions(3)
	b := &Budget{Limit: 100}
	var st []*PartitionStatus
	for _, p := range ps {
		st = append(st, (&Status{}).open(p, 0))
	}
	for i, step := range []struct {
		set     [3]int64 // what the partitions hold, -1 is no news
		pressed int      // which is asked to flush, -1 none
		over    bool
	}{
		{[3]int64{10, 20, 20}, -1, false},
		{[3]int64{-1, 21, -1}, 1, false},
		{[3]int64{40, -1, -1}, 1, false}, // the one that was asked has not flushed yet
		{[3]int64{60, -1, -1}, 1, true},
		{[3]int64{-1, 0, -1}, 0, false}, // it has: the next one is asked
		{[3]int64{0, -1, -1}, -1, false},
		{[3]int64{-1, -1, 0}, -1, false},
	} {
		var total int64
		for k, n := range step.set {
			if n == 0 {
				st[k].press.Store(false) // as a flush does
			}
			if n >= 0 {
				b.set(st[k], n)
			}
			total += st[k].buffered.Load()
		}
		for k := range st {
			if got := b.pressed(st[k]); got != (k == step.pressed) {
				t.Errorf("step %d: partition %d is asked to flush: %v", i, k, got)
			}
		}
		if b.Held() != total || (b.total > b.Limit) != step.over {
			t.Errorf("step %d: %d held, should be %d; over: %v", i, b.Held(), total, !step.over)
		}
	}
	if len(b.held) != 0 {
		t.Errorf("%d partitions are remembered that hold nothing", len(b.held))
	}
}

// What clients and partitions take is not for rows, but for half of the limit, which always is.
func TestReserved(t *testing.T) {
	b, p := &Budget{Limit: 100}, (&Status{}).open(newRig(t, 1).partitions(1)[0], 0)
	first, second := b.reserve(30), b.reserve(40)
	if b.Room() != 50 || b.Reserved() != 70 {
		t.Errorf("there is room for %d, %d are reserved", b.Room(), b.Reserved())
	}
	first()
	if b.set(p, 30); b.Room() != 60 || b.pressed(p) || b.over(p) {
		t.Errorf("there is room for %d; pressed %v, over %v", b.Room(), b.pressed(p), b.over(p))
	}
	if b.set(p, 31); !b.pressed(p) || b.over(p) {
		t.Errorf("pressed %v, over %v", b.pressed(p), b.over(p))
	}
	if b.set(p, 61); !b.over(p) {
		t.Error("the partition need not wait")
	}
	if second(); b.over(p) || b.Room() != 100 || b.Reserved() != 0 {
		t.Errorf("there is room for %d, %d are reserved", b.Room(), b.Reserved())
	}
}

// What is on its way while a store is away comes back to nobody: those are asked that can let go of something.
func TestOthersLetGoWhileAStoreIsAway(t *testing.T) {
	ps := newRig(t, 3).partitions(3)
	b := &Budget{Limit: 100}
	var st []*PartitionStatus
	for _, p := range ps {
		st = append(st, (&Status{}).open(p, 0))
	}
	pressed := func() (out [3]bool) {
		for i := range st {
			out[i] = b.pressed(st[i])
		}
		return out
	}
	b.set(st[1], 10)
	b.set(st[2], 5)
	b.set(st[0], 60) // is asked
	st[0].aloft(time.Now(), 60)
	if got := pressed(); got != [3]bool{true, false, false} {
		t.Fatalf("asked: %v", got)
	}
	b.set(st[2], 6)
	if got := pressed(); got != [3]bool{true, true, false} {
		t.Errorf("the first has all in flight, and asked are: %v", got)
	}
	b.set(st[2], 7)
	if got := pressed(); got != [3]bool{true, true, false} {
		t.Errorf("the second has not let go yet, and asked are: %v", got)
	}
	st[0].press.Store(false) // its flight begins, and the store is away
	st[1].press.Store(false)
	b.set(st[2], 8)
	if got := pressed(); got != [3]bool{false, true, false} {
		t.Errorf("the one that holds most has all in flight, and asked are: %v", got)
	}
}

func TestNoBudgetIsNoBound(t *testing.T) {
	b, p := &Budget{}, &PartitionStatus{}
	b.set(p, 1<<40)
	if b.over(p) || b.pressed(p) {
		t.Error("a limit of 0 bounds")
	}
}

// TestMemoryCuts reads much more than the budget takes, with no other reason to flush.
func TestMemoryCuts(t *testing.T) {
	const rows, paths, limit = 30_000, 300, 1 << 20 // too many paths for their rows to be worth a scratch file
	r := newRig(t, 4)
	r.produce(numbers(0, rows, paths)...)
	r.budget.Limit = 2 * limit // of which what is reserved leaves half
	run := r.run(strings.Replace(r.local("flush: {every: 1h}"), "path: all", `path: "{path}"`, 1))
	var most int64
	eventually(t, "no more than the budget is left", func() bool {
		most = max(most, r.budget.Held())
		return run.tookIn(r.ends())
	})
	eventually(t, "some was cut for memory", func() bool { return len(files(t, r.dir)) > 0 })
	run.stopped()
	exactly(t, r.dir, rows)
	if most > 3*limit { // a batch of 2,000 rows a partition may come on top
		t.Errorf("%d bytes were held, with a limit of %d", most, limit)
	}
	if r.budget.Held() != 0 {
		t.Errorf("%d bytes are held after the end", r.budget.Held())
	}
}

// TestMemoryMovesRowsOut reads much more than the budget takes, and makes no file of it before one is due. What the sink and its partitions
// take is reserved meanwhile.
func TestMemoryMovesRowsOut(t *testing.T) {
	const rows, limit = 60_000, 512 << 10
	r := newRig(t, 4)
	r.produce(numbers(0, rows, 1)...)
	r.budget.Limit = 2 * limit // of which what is reserved leaves half
	run := r.run(r.local("flush: {every: 1h}"))
	var most int64
	eventually(t, "all is taken in", func() bool {
		most = max(most, r.budget.Held())
		return run.tookIn(r.ends())
	})
	if n := len(files(t, r.dir)); n > 0 || most > 3*limit {
		t.Errorf("%d files, %d bytes held at most, with a limit of %d", n, most, limit)
	}
	if n := r.budget.Reserved(); n != PerSink+4*PerPartition {
		t.Errorf("%d bytes are reserved", n)
	}
	run.stopped()
	exactly(t, r.dir, rows)
	if n := r.budget.Reserved(); n != 0 {
		t.Errorf("%d bytes are reserved after the end", n)
	}
}

// TestAnOutageOfOneStoreLeavesTheOthersMemory: a connector whose store hangs holds the whole budget; another one goes on.
func TestAnOutageOfOneStoreLeavesTheOthersMemory(t *testing.T) {
	var hangs, asked atomic.Bool
	hangs.Store(true)
	store := storeBehind(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		asked.Store(asked.Load() || r.Method == http.MethodPut)
		for hangs.Load() && r.Context().Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		next.ServeHTTP(w, r)
	})
	stuck := newRig(t, 4)
	stuck.produce(numbers(0, 30_000, 1)...)
	stuck.budget.Limit = 128 << 10
	first := stuck.run(stuck.s3(store, "flush: {rows: 3000, every: 1h}"))
	eventually(t, "the store hangs, and the budget is used up", func() bool { return asked.Load() && stuck.budget.Held() > stuck.budget.Room() })

	other := &rig{TB: t, client: stuck.client, topic: stuck.topic, dir: t.TempDir(), budget: stuck.budget}
	second := other.run(other.local("flush: {every: 1h}\ngroup: other-"+other.topic), func(r *Run) { r.Name = "other" })
	eventually(t, "the other connector has gone on", func() bool { return second.tookIn(other.ends()) })
	second.stopped()
	exactly(t, other.dir, 30_000)
	hangs.Store(false)
	first.stopped()
}

// storeBehind is the S3 service behind a handler that may do something to requests first.
func storeBehind(t testing.TB, fault func(w http.ResponseWriter, r *http.Request, next http.Handler)) (endpoint string) {
	t.Helper()
	to, err := url.Parse(servers.AWS)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	next := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, fmt.Sprint(err), http.StatusBadGateway)
		}}
	ctx, cancel := context.WithCancel(context.Background())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reqCtx, stop := context.WithCancel(r.Context())
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		fault(w, r.WithContext(reqCtx), next)
	}))
	t.Cleanup(func() { cancel(); s.Close(); transport.CloseIdleConnections() })
	return s.URL
}

// TestDeadLettersAreMemory too, where nearly every record is bad: they are cut for it as rows are.
func TestDeadLettersAreMemory(t *testing.T) {
	const rows, limit = 20_000, 2 << 20
	r := newRig(t, 2)
	values := make([]string, rows)
	for i := range values {
		values[i] = fmt.Sprintf("%d is no JSON %0500d", i, 0)
	}
	r.produce(values...)
	r.budget.Limit = 2 * limit // of which what is reserved leaves half
	dead := r.topic + "-dead"
	run := r.run(r.local("flush: {every: 1h}\nerrors: {on_bad_record: dead_letter, topic: " + dead + "}"))
	var most int64
	eventually(t, "most are stored", func() bool {
		most = max(most, r.budget.Held())
		return run.tookIn(r.ends())
	})
	run.stopped()
	if most < limit/4 || most > 6*limit { // what is fetched at once may come on top, of each partition
		t.Errorf("%d bytes were held, with a limit of %d", most, limit)
	}
	if held := r.budget.Held(); held != 0 {
		t.Errorf("%d bytes are held after the end", held)
	}
	seen := map[string]int{}
	batches, err := r.client.Sample(t.Context(), "nobody", dead, 10*rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		for _, rec := range b.Records {
			seen[string(rec.Value)]++
		}
	}
	for _, v := range values {
		if seen[v] != 1 {
			t.Errorf("%.20s stands %d times", v, seen[v])
		}
	}
}

// TestDeadLettersOfAnInterval are no more than a transaction takes.
func TestDeadLettersOfAnInterval(t *testing.T) {
	task := at{next: 200, rows: 1, first: 1, last: 1}.task(Flush{Every: time.Hour}, time.Now(), nil)
	task.in, task.Name = &rules{config: &Config{}}, "c"
	b := &record.Batch{Records: []record.Record{{Value: make([]byte, 1<<20), Headers: []record.Header{{Key: "k", Value: make([]byte, 1<<20)}}}}}
	for i := range 8 {
		if task.due(time.Now()) {
			t.Fatalf("due after %d letters of 2 MiB", i)
		}
		task.bury(b, &b.Records[0], errTurned, nil)
	}
	if !task.due(time.Now()) {
		t.Errorf("%d bytes of dead letters are not due", task.weight)
	}
}
