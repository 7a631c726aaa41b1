package connector

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock/hook"
)

// news is the levels and messages of a log, but those at debug.
func news(log string) (all []string) {
	for _, m := range regexp.MustCompile(`level=(\w+) msg=(?:"([^"]*)"|(\S+))`).FindAllStringSubmatch(log, -1) {
		if m[1] != "DEBUG" {
			all = append(all, m[1]+" "+m[2]+m[3])
		}
	}
	return all
}

func saysInTurn(t *testing.T, log string, want ...string) {
	t.Helper()
	if got := news(log); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("it says\n%s\nand should\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Membership, an outage of the store and the memory that it costs: a line each as they begin and end, and one for each flush at debug.
func TestNewsOfAnOutage(t *testing.T) {
	var refuses atomic.Bool
	refuses.Store(true)
	store := storeBehind(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if refuses.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
	r := newRig(t, 1)
	r.produce(numbers(0, 30_000, 1)...)
	r.budget.Limit = 64 << 10
	run := r.run(r.s3(store, "flush: {every: 1h}"))
	said := func(what string) func() bool {
		return func() bool { return strings.Contains(run.log.String(), what) }
	}
	eventually(t, "the flush fails", said("flush is tried again"))
	eventually(t, "reading has paused for want of memory", said("reading paused"))
	refuses.Store(false)
	eventually(t, "there is memory again", said("reading resumed"))
	eventually(t, "all is taken in", func() bool { return run.tookIn(r.ends()) })
	run.stopped()
	log := run.log.String()
	got := strings.Join(news(log), "\n")
	for what, times := range map[string]int{
		"INFO joined the group": 1, "INFO partitions assigned": 1, "WARN flush is tried again": 1,
		"INFO flush succeeded after it had failed": 1, "INFO partitions revoked": 1, "INFO left the group": 1,
	} {
		if n := strings.Count(got+"\n", what+"\n"); n != times {
			t.Errorf("%s: %d times, want %d", what, n, times)
		}
	}
	if pauses := strings.Count(got, "INFO reading paused: the process holds as much as memory allows"); pauses == 0 || pauses != strings.Count(got, "INFO reading resumed") {
		t.Errorf("%d pauses do not begin and end:\n%s", pauses, got)
	}
	if !strings.HasPrefix(got, "INFO joined the group\nINFO partitions assigned\n") || !strings.HasSuffix(got, "INFO partitions revoked\nINFO left the group") {
		t.Errorf("it begins or ends otherwise:\n%s", got)
	}
	if want := "partitions=" + r.topic + "/0"; strings.Count(log, want) != 2 {
		t.Errorf("%s is not said of what came and of what went", want)
	}
	if n := strings.Count(log, "level=DEBUG msg=flushed connector=c-"+r.topic); n < 2 || n != strings.Count(log, "msg=flushed") {
		t.Errorf("%d flushes are written down at debug", n)
	}
}

// A partition that is held says so once, and once that it no longer is.
func TestNewsOfAHeldPartition(t *testing.T) {
	r := newRig(t, 1)
	r.produce(badRow)
	run := r.run(r.local("flush: {rows: 1}"))
	run.held()
	run.stopped()
	saysInTurn(t, run.log.String(), "INFO joined the group", "INFO partitions assigned", "ERROR partition held", "INFO partition released",
		"INFO partitions revoked", "INFO left the group")
}

// A hook that fails says so once a minute, and once that it is well again.
func TestNewsOfAHook(t *testing.T) {
	p := newRig(t, 1).partitions(1)[0]
	log := &logged{}
	h := &hears{answer: func(_ context.Context, nth int) error {
		switch nth {
		case 1, 2:
			return errors.New("access denied")
		case 3:
			return &hook.Later{At: time.Now()}
		}
		return nil
	}}
	a := newAnnouncer(&Run{Name: "c", Config: Config{AfterFlush: []hook.Hook{h}}, Status: &Status{}, Log: slog.New(slog.NewTextHandler(log, nil))})
	t.Cleanup(a.stop)
	n := a.partition(p, nil)
	for i := range int64(2) {
		n.owe(10*i, 10*i+10)
		n.tell(ending(10*i+10), 10*i+10)
		eventually(t, "the hook has heard it", func() bool { return owes(n) == "nothing" })
	}
	saysInTurn(t, log.String(), "WARN hook failed, is tried again", "INFO hook succeeded after it had failed")
}
