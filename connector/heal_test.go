package connector

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/penstock/penstock/dev"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// A bucket that is missing is waited for: the error says what to do, and once somebody has done it the rows go there.
func TestABucketThatComesLater(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 100, 1)...)
	var made atomic.Bool
	store := storeBehind(t, func(w http.ResponseWriter, q *http.Request, next http.Handler) {
		if made.Load() {
			next.ServeHTTP(w, q)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		if q.Method != http.MethodHead {
			fmt.Fprint(w, "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>")
		}
	})
	run := r.run(r.s3(store, "flush: {every: 50ms}"))
	var seen Trouble
	eventually(t, "the flush has failed", func() bool {
		for _, now := range run.Status.Troubles(time.Now()) {
			seen = now
		}
		return seen.Times > 1
	})
	if seen.Class != World || !strings.HasSuffix(seen.Why, "; make the bucket, or correct bucket") || seen.Held || seen.Where != r.topic+"/0" ||
		!seen.Next.After(seen.Since) {
		t.Errorf("%+v", seen)
	}
	made.Store(true)
	eventually(t, "all is committed", func() bool { return r.committed()[0].Offset >= 100 })
	eventually(t, "all is well", func() bool { return len(run.Status.Troubles(time.Now())) == 0 })
	run.stopped()
	if log := run.log.String(); !strings.Contains(log, "class=world") || !strings.Contains(log, `msg="flush succeeded after it had failed"`) {
		t.Errorf("it says %s", log)
	}
}

// An error of the world in the midst of a partition's rows holds nobody: the run begins again from what is committed.
func TestAPartitionThatMayDoBetterIsNotHeld(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		held bool
	}{"a full disk": {syscall.ENOSPC, false}, "one that says nothing": {io.ErrUnexpectedEOF, true}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1)
			r.produce(numbers(0, 10, 1)...)
			run := r.run(r.local(""), func(r *Run) {
				r.Config.Sink = sink.Func(func(context.Context, *record.Batch) error { return c.err })
			})
			if c.held {
				if why := run.held(); why != c.err.Error() {
					t.Error(why)
				}
				if all := run.Status.Troubles(time.Now()); len(all) != 1 || !all[0].Held || all[0].Class != User {
					t.Errorf("%+v", all)
				}
				run.stopped()
				return
			}
			eventually(t, "the run has ended", func() bool { return strings.Contains(run.log.String(), "left the group") })
			if err := run.stop(); ClassOf(err, Restart) != World {
				t.Error(err)
			}
		})
	}
}

// A source whose broker has gone says so: first of the split whose rows nobody takes, then, its place in the group being lost, of that.
// The clock is moved on.
func TestASplitWhoseBrokerIsAway(t *testing.T) {
	t.Parallel()
	s, err := dev.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	away := sync.OnceFunc(func() { s.Close() })
	t.Cleanup(away)
	r := &rig{TB: t, topic: "away", dir: t.TempDir(), budget: &Budget{}, client: &kafka.Client{Config: kafka.Config{
		Brokers: []string{s.Brokers}, OffsetsTopic: "offsets", StateTopic: "state", Properties: map[string]string{"session.timeout.ms": "6000"},
	}}}
	if err := os.WriteFile(r.dir+"/a.csv", []byte("n\n"+strings.Repeat("1\n", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	run := r.run(fmt.Sprintf("topic: away\nsource: {csv: {path: %q, rate: 1000/s}}", r.dir+"/*.csv"), func(r *Run) { r.Status.Begin() })
	eventually(t, "rows are stored", func() bool { return run.Status.Stored.Load() > 0 })
	away()
	says := func(where, what string) func() bool {
		return func() bool {
			return slices.ContainsFunc(run.Status.Troubles(time.Now().Add(stuckTime+time.Second)), func(t Trouble) bool {
				return t.Where == where && t.Stuck && t.Class == World && strings.HasSuffix(t.Why, what)
			})
		}
	}
	eventually(t, "the split waits for the broker", says("split a.csv", "it waits for the brokers: to take its rows"))
	eventually(t, "the group is left", says("group", "for other workers to give up what they hold"))
}
