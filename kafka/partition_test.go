package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// said is what a queue gives, for tables: records by their offsets, an end, an error.
type said struct {
	offset int64
	code   kafka.ErrorCode
}

func records(offsets ...int64) (out []said) {
	for _, o := range offsets {
		out = append(out, said{o, kafka.ErrNoError})
	}
	return out
}

func end(at int64) said  { return said{at, kafka.ErrPartitionEOF} }
func lost(at int64) said { return said{at, kafka.ErrAutoOffsetReset} }

// heard are parts of a sequence, put together.
func heard(parts ...any) (out []said) {
	for _, p := range parts {
		switch p := p.(type) {
		case said:
			out = append(out, p)
		case []said:
			out = append(out, p...)
		}
	}
	return out
}

func (r *raw) hear(events []said) {
	r.reset()
	for _, e := range events {
		r.add(record.Record{Offset: e.offset, Value: []byte("why")}, e.code)
	}
}

func TestRaw(t *testing.T) {
	for name, c := range map[string]struct {
		heard []said
		rows  int
		end   int64
		err   string
	}{
		"nothing":                  {nil, 0, -1, ""},
		"records":                  {records(1, 2, 5), 3, -1, ""},
		"records and the end":      {heard(records(1, 2), end(4)), 2, 4, ""},
		"the end, then records":    {heard(end(4), records(4, 5)), 2, -1, ""},
		"the last end counts":      {heard(end(4), end(6)), 0, 6, ""},
		"records before an error":  {heard(records(1), lost(7), records(8), end(9)), 1, -1, "offset 7 is not on the topic: why"},
		"the first error counts":   {heard(said{0, kafka.ErrTopicAuthorizationFailed}, lost(7)), 0, -1, "why: Broker: Topic authorization failed"},
		"an end before the error ": {heard(end(3), lost(3)), 0, 3, "offset 3 is not on the topic: why"},
	} {
		var r raw
		r.hear(c.heard)
		if len(r.records) != c.rows || r.end != c.end || (r.err == nil) != (c.err == "") || r.err != nil && r.err.Error() != c.err {
			t.Errorf("%s: %d records, end %d, %v", name, len(r.records), r.end, r.err)
		}
	}
}

// TestDoubtful: after an end, and after a move that a rebalance followed, what leaves offsets out may be librdkafka's mistake.
func TestDoubtful(t *testing.T) {
	for name, c := range map[string]struct {
		end, moved bool
		turned     bool // a rebalance since the move
		heard      []said
		want       bool
	}{
		"a gap in the middle is compaction": {false, false, false, records(12), false},
		"after the end, at once":            {true, false, false, records(10), false},
		"after the end, one too far":        {true, false, false, records(11), true},
		"after the end, the end again":      {true, false, false, heard(end(10)), false},
		"after the end, a later end":        {true, false, false, heard(end(12)), true},
		"after the end, nothing":            {true, false, false, nil, false},
		"after the end, lost here":          {true, false, false, heard(lost(10)), false},
		"after the end, lost further on":    {true, false, false, heard(lost(11)), true},
		"after a move, a gap":               {false, true, false, records(12), false},
		"after a move and a rebalance, gap": {false, true, true, records(12), true},
		"after a move and a rebalance":      {false, true, true, records(10), false},
		"a rebalance alone":                 {false, false, true, records(12), false},
	} {
		p := &Partition{group: &group{}, next: 10, end: c.end, moved: c.moved}
		if c.turned {
			p.group.turn.Add(1)
		}
		p.raw.hear(c.heard)
		if got := p.doubtful(); got != c.want {
			t.Errorf("%s: doubtful %v", name, got)
		}
	}
}

func TestAccept(t *testing.T) {
	for name, c := range map[string]struct {
		heard []said
		next  int64
		end   bool
		err   string
	}{
		"records":             {records(10, 11), 12, false, ""},
		"a gap":               {records(15), 16, false, ""},
		"up to the end":       {heard(records(10), end(12)), 12, true, ""},
		"a stale end":         {heard(end(8)), 10, true, ""},
		"an offset too early": {records(9), 10, true, "t partition 3: offset 9 was read where 10 or more was expected"},
		"the same one twice":  {records(10, 10), 11, true, "t partition 3: offset 10 was read where 11 or more was expected"},
	} {
		p := &Partition{Topic: "t", ID: 3, next: 10, end: true}
		p.raw.hear(c.heard)
		err := p.accept()
		if err == nil && (p.batch.Next != c.next || p.next != c.next) || err != nil && err.Error() != c.err || (err == nil) != (c.err == "") {
			t.Errorf("%s: next %d, %v", name, p.next, err)
		}
		if err == nil && p.AtEnd() != c.end {
			t.Errorf("%s: at the end: %v", name, p.AtEnd())
		}
	}
}

func TestTransient(t *testing.T) {
	for code, want := range map[kafka.ErrorCode]bool{
		kafka.ErrIllegalGeneration: true, kafka.ErrRebalanceInProgress: true, kafka.ErrWaitCoord: true, kafka.ErrTimedOut: true,
		kafka.ErrRequestTimedOut: true, kafka.ErrTransport: true, kafka.ErrNotCoordinator: true, kafka.ErrCoordinatorLoadInProgress: true,
		kafka.ErrUnknownMemberID: false, kafka.ErrFencedInstanceID: false, kafka.ErrOffsetMetadataTooLarge: false,
		kafka.ErrGroupAuthorizationFailed: false, kafka.ErrFenced: false,
	} {
		err := fmt.Errorf("commit: %w", kafka.NewError(code, "", false))
		if transient(err) != want {
			t.Errorf("%v: transient is not %v", code, want)
		}
		if transient(kafka.NewError(code, "", true)) {
			t.Errorf("%v: a fatal error is transient", code)
		}
	}
	if transient(errors.New("no error of Kafka's")) {
		t.Error("an error that is not Kafka's is transient")
	}
}

// TestWait: what ends it, and whether a batch is due then.
func TestWait(t *testing.T) {
	const soon = 20 * time.Millisecond
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		change func(p *Partition)
		want   bool
		least  time.Duration
	}{
		"the clock":           {t.Context(), func(p *Partition) { p.WakeAt(time.Now().Add(soon)) }, true, soon / 2},
		"the clock, overdue":  {t.Context(), func(p *Partition) { p.WakeAt(time.Now().Add(-time.Hour)) }, true, 0},
		"nothing":             {t.Context(), func(p *Partition) { p.WakeAt(time.Now().Add(time.Hour)) }, false, time.Second - soon},
		"rows":                {t.Context(), func(p *Partition) { p.waker.ring() }, false, 0},
		"woken":               {t.Context(), func(p *Partition) { p.Wake() }, true, 0},
		"to be given up":      {t.Context(), func(p *Partition) { p.halt() }, false, 0},
		"to be given up now":  {stopped, func(*Partition) {}, false, 0},
		"the last word holds": {t.Context(), func(p *Partition) { p.WakeAt(time.Now()); p.WakeAt(time.Time{}); p.waker.ring() }, false, 0},
	} {
		p := &Partition{stop: make(chan struct{}), waker: &waker{bell: make(chan struct{}, 1)}}
		c.change(p)
		began := time.Now()
		if got := p.wait(c.ctx); got != c.want {
			t.Errorf("%s: a batch is due: %v", name, got)
		}
		if took := time.Since(began); took < c.least || took > c.least+800*time.Millisecond {
			t.Errorf("%s: after %v", name, took)
		}
	}
}

func TestLostSaysWhere(t *testing.T) {
	err := fmt.Errorf("x: %w", &Lost{Offset: 7, Text: "out of range"})
	var l *Lost
	if !errors.As(err, &l) || l.Offset != 7 || !strings.Contains(err.Error(), "offset 7 is not on the topic: out of range") {
		t.Error(err)
	}
}

// An error that passes, such as that of a leader that moves, costs a partition neither its place nor a row; another one is its reader's.
func TestErrorsThatPass(t *testing.T) {
	c := client(t)
	c.PollOnly = true
	top := topic(t, c, 1)
	fill(t, c, top, numbers(0, 10)...)
	s, failed := newSeen(), make(chan error, 1)
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		fails := func(code kafka.ErrorCode) {
			p.queue.(*pollQueue).push(pollMessage{record.Record{Offset: 3, Value: []byte("it moves")}, code})
		}
		fails(kafka.ErrNotLeaderForPartition)
		for b, err := range p.Batches(ctx) {
			if err != nil {
				failed <- err
				return nil
			}
			if s.take(p, b); s.count() == 10 {
				fails(kafka.ErrTopicAuthorizationFailed)
			}
		}
		return nil
	}})
	if err := <-failed; !strings.Contains(err.Error(), "it moves") || s.count() != 10 {
		t.Errorf("%d rows, then %v", s.count(), err)
	}
	for row, times := range s.rows {
		if times != 1 {
			t.Errorf("%s came %d times", row, times)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
