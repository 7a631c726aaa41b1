package connector

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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
