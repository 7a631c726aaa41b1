package connector

import (
	"testing"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
)

// at is an interval as a table says it: of a partition that has offset 100 committed.
type at struct {
	next, until int64
	rows        int
	bytes       int64
	first, last time.Duration // ago; 0 is not yet
	end         bool          // of the partition
	drain       bool
	pressed     bool
	flying      bool
}

func (a at) task(f Flush, now time.Time, end *kafka.Partition) *task {
	ago := func(d time.Duration) time.Time {
		if d == 0 {
			return time.Time{}
		}
		return now.Add(-d)
	}
	t := &task{
		Run: &Run{Config: Config{Flush: f}, Budget: &Budget{}, Status: &Status{}}, p: &kafka.Partition{}, state: &PartitionStatus{},
		from: 100, next: a.next, until: a.until, rows: a.rows, bytes: a.bytes, first: ago(a.first), last: ago(a.last),
	}
	if a.end {
		t.p = end
	}
	if a.flying {
		t.flight = &flight{}
	}
	t.Status.draining.Store(a.drain)
	t.state.press.Store(a.pressed)
	return t
}

const s = time.Second

// TestDue also holds due against deadline: a clock that has struck, where nothing is due, would strike again and again.
func TestDue(t *testing.T) {
	end := newRig(t, 1).partitions(1)[0]
	all := Flush{Rows: 10, Bytes: 1000, Every: 60 * s, Idle: 5 * s}
	for name, c := range map[string]struct {
		flush Flush
		at    at
		want  bool
		wakes time.Duration // from now on when the clock will make it due; 0: never
	}{
		"nothing":                            {all, at{next: 100}, false, 0},
		"rows short of the number":           {all, at{next: 109, rows: 9, bytes: 999, first: 59 * s, last: 4 * s}, false, 1 * s},
		"rows":                               {all, at{next: 110, rows: 10, first: 1, last: 1}, true, 5 * s},
		"rows are off":                       {Flush{Every: 60 * s}, at{next: 1e6, rows: 1e6, first: 1, last: 1}, false, 60 * s},
		"bytes":                              {all, at{next: 101, rows: 1, bytes: 1000, first: 1, last: 1}, true, 5 * s},
		"bytes are off":                      {Flush{Rows: 10}, at{next: 101, rows: 1, bytes: 1 << 40, first: 1, last: 1}, false, 0},
		"every":                              {all, at{next: 101, rows: 1, first: 60 * s, last: 1}, true, 0},
		"idle":                               {all, at{next: 101, rows: 1, first: 6 * s, last: 5 * s}, true, 0},
		"idle comes first":                   {Flush{Every: 60 * s, Idle: 5 * s}, at{next: 101, rows: 1, first: 2 * s, last: 2 * s}, false, 3 * s},
		"every comes first":                  {Flush{Every: 60 * s, Idle: 50 * s}, at{next: 102, rows: 2, first: 59 * s, last: 1}, false, 1 * s},
		"the clock waits for a flight":       {all, at{next: 101, rows: 1, first: 600 * s, last: 600 * s, flying: true}, false, 0},
		"rows do not wait for a flight":      {all, at{next: 110, rows: 10, first: 1, last: 1, flying: true}, true, 0},
		"memory":                             {all, at{next: 101, rows: 1, first: 1, last: 1, pressed: true}, true, 5 * s},
		"memory, and nothing to flush":       {all, at{next: 100, pressed: true}, false, 0},
		"drain, before the end":              {all, at{next: 101, rows: 1, first: 1, last: 1, drain: true}, false, 5 * s},
		"drain, at the end":                  {all, at{next: 101, rows: 1, first: 1, last: 1, drain: true, end: true}, true, 5 * s},
		"no rows, first seen":                {all, at{next: 102, end: true}, false, 60 * s},
		"no rows, seen long ago":             {all, at{next: 102, first: 60 * s, end: true}, true, 0},
		"no rows, drain":                     {all, at{next: 102, end: true, drain: true}, true, 0},
		"no rows, and no clock":              {Flush{Rows: 10}, at{next: 102, end: true}, true, 0},
		"no rows, and a flight":              {all, at{next: 102, end: true, drain: true, flying: true}, false, 0},
		"no rows, not at the end":            {all, at{next: 102, first: 600 * s}, false, 0},
		"a redo takes no notice of rows":     {all, at{next: 150, until: 200, rows: 50, bytes: 5000, first: 1, last: 1}, false, 0},
		"a redo takes no notice of time":     {all, at{next: 150, until: 200, rows: 5, first: 600 * s, last: 600 * s}, false, 0},
		"a redo takes no notice of memory":   {all, at{next: 150, until: 200, rows: 50, first: 1, last: 1, pressed: true}, false, 0},
		"a redo takes no notice of draining": {all, at{next: 150, until: 200, rows: 50, first: 1, last: 1, drain: true, end: true}, false, 0},
		"a redo is complete":                 {all, at{next: 200, until: 200, rows: 5, first: 1, last: 1}, true, 0},
		"a redo is complete without rows":    {all, at{next: 205, until: 200}, true, 0},
	} {
		now := time.Now()
		task := c.at.task(c.flush, now, end)
		due := task.due(now)
		if due != c.want {
			t.Errorf("%s: due %v", name, due)
		}
		wakes := time.Duration(0)
		if d := task.deadline(); d.Before(never) {
			wakes = d.Sub(now)
		}
		if !due && wakes <= 0 && task.deadline().Before(never) {
			t.Errorf("%s: the clock struck %v ago, and nothing is due: it would strike without end", name, -wakes)
		}
		if !due && c.wakes != max(wakes.Round(time.Millisecond), 0) {
			t.Errorf("%s: wakes in %v, want %v", name, wakes, c.wakes)
		}
	}
}

func TestRoom(t *testing.T) {
	b := &record.Batch{}
	for _, off := range []int64{100, 101, 103, 104, 110} {
		b.Records = append(b.Records, record.Record{Offset: off})
	}
	for name, c := range map[string]struct {
		flush Flush
		at    at
		from  int
		want  int
	}{
		"no bound":              {Flush{Every: s}, at{}, 0, 5},
		"the rest":              {Flush{Every: s}, at{}, 3, 2},
		"nothing is left":       {Flush{Every: s}, at{}, 5, 0},
		"rows":                  {Flush{Rows: 3}, at{}, 0, 3},
		"rows, some are there":  {Flush{Rows: 3}, at{rows: 2}, 1, 1},
		"fewer than rows":       {Flush{Rows: 30}, at{rows: 2}, 1, 4},
		"a redo ends between":   {Flush{Rows: 1}, at{until: 104}, 0, 3},
		"a redo ends in a gap":  {Flush{}, at{until: 105}, 1, 3},
		"a redo ends before it": {Flush{}, at{until: 100}, 0, 0},
		"a redo ends behind it": {Flush{Rows: 1}, at{until: 999, rows: 70}, 0, 5},
	} {
		if got := c.at.task(c.flush, time.Now(), nil).room(b, c.from, len(b.Records)); got != c.want {
			t.Errorf("%s: room for %d, want %d", name, got, c.want)
		}
	}
}
