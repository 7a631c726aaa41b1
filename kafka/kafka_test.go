package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/record"
)

// client speaks to the real broker that all tests share.
func client(t testing.TB) *Client {
	t.Helper()
	return &Client{Config: Config{Brokers: []string{parts.Kafka(t)}, Properties: map[string]string{"session.timeout.ms": "6000"}}}
}

// topic makes a topic of the test's own.
func topic(t testing.TB, c *Client, partitions int) string {
	t.Helper()
	name := strings.NewReplacer("/", ".", " ", "_").Replace(t.Name()) + fmt.Sprint(time.Now().UnixNano())
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if n, err := a.Ensure(t.Context(), Topic{Name: name, Partitions: partitions}); err != nil || n != partitions {
		t.Fatalf("%d partitions, %v", n, err)
	}
	return name
}

func entry(topic, key, value string) Entry {
	return Entry{Topic: topic, Record: record.Record{Time: record.NoTime, Key: []byte(key), Value: []byte(value)}}
}

// began is the time of the first record that fill stores: a recent one, or the broker would expire it at once.
var began = time.Now().Add(-time.Hour).UnixMilli()

// fill stores values in one transaction, each its own key.
func fill(t testing.TB, c *Client, topic string, values ...string) {
	t.Helper()
	marks := topic + ".marks"
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Ensure(t.Context(), Topic{Name: marks, Partitions: 1, Compact: true}); err != nil {
		t.Fatal(err)
	}
	p, err := c.Producer(t.Context(), "fill "+topic)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	b := record.Batch{}
	for i, v := range values {
		b.Records = append(b.Records, record.Record{
			Time: began + int64(i), Key: []byte("k" + v), Value: []byte(v),
			Headers: []record.Header{{Key: "h", Value: []byte(v)}, {Key: "null"}},
		})
	}
	if err := p.Store(t.Context(), topic, &b, entry(marks, "split", fmt.Sprint(len(values)))); err != nil {
		t.Fatal(err)
	}
}

func numbers(from, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprint(from+i))
	}
	return out
}

// seen collects what owners read.
type seen struct {
	mu   sync.Mutex
	rows map[string]int // by value
	next map[int32]int64
	end  map[int32]bool
}

func newSeen() *seen {
	return &seen{rows: map[string]int{}, next: map[int32]int64{}, end: map[int32]bool{}}
}

func (s *seen) count() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.rows) }

func (s *seen) take(p *Partition, b *record.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range b.Records {
		s.rows[string(r.Value)]++
	}
	s.next[p.ID], s.end[p.ID] = b.Next, p.AtEnd()
}

// eventually waits for what must become true.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("not within 30s: %s", what)
}

// member runs a membership until stop.
func member(t testing.TB, c *Client, g Group) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	if g.Revoke == 0 {
		g.Revoke, g.Drain = time.Second, 5*time.Second
	}
	go func() { done <- c.Consume(ctx, g) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	t.Cleanup(func() { stop() })
	return stop
}

func TestBothWaysReadTheSame(t *testing.T) {
	for _, way := range []string{"queues", "poll"} {
		t.Run(way, func(t *testing.T) {
			c := client(t)
			c.PollOnly = way == "poll"
			top := topic(t, c, 1)
			fill(t, c, top, numbers(0, 25000)...)
			var recs []record.Record
			s := newSeen()
			stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
				for b, err := range p.Batches(ctx) {
					if err != nil {
						return err
					}
					for _, r := range b.Records[:min(1, len(b.Records))] {
						if len(recs) == 0 {
							r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
							r.Headers[0].Value = bytes.Clone(r.Headers[0].Value)
							recs = append(recs, r)
						}
					}
					s.take(p, b)
				}
				return nil
			}})
			eventually(t, "all rows and the end", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.rows) == 25000 && s.end[0] })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			for v, n := range s.rows {
				if n != 1 {
					t.Errorf("%s was read %d times", v, n)
				}
			}
			if s.next[0] != 25001 {
				t.Errorf("the position is %d, not beyond the transaction's marker at 25000", s.next[0])
			}
			r := recs[0]
			if string(r.Key) != "k0" || string(r.Value) != "0" || r.Time != began || r.Offset != 0 ||
				len(r.Headers) != 2 || string(r.Headers[0].Value) != "0" || r.Headers[1].Key != "null" || r.Headers[1].Value != nil {
				t.Errorf("first record: %+v", r)
			}
		})
	}
}

func TestMoveToReadsAgainAndLosesNothing(t *testing.T) {
	for _, way := range []string{"queues", "poll"} {
		t.Run(way, func(t *testing.T) {
			c := client(t)
			c.PollOnly = way == "poll"
			top := topic(t, c, 1)
			fill(t, c, top, numbers(0, 30000)...)
			want, moves := int64(0), 0
			s := newSeen()
			stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
				for b, err := range p.Batches(ctx) {
					if err != nil {
						return err
					}
					for _, r := range b.Records {
						if r.Offset != want {
							return fmt.Errorf("offset %d where %d was expected, after %d moves", r.Offset, want, moves)
						}
						want++
					}
					if moves < 20 && want > int64(1000*moves)+3000 {
						moves++
						want = int64(500 * moves)
						if err := p.MoveTo(want); err != nil {
							return err
						}
						continue
					}
					s.take(p, b)
				}
				return nil
			}})
			eventually(t, "the end", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.end[0] })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if want != 30000 || moves != 20 {
				t.Errorf("came to %d with %d moves", want, moves)
			}
		})
	}
}

func TestCommitIsRememberedWithItsMetadata(t *testing.T) {
	c := client(t)
	top := topic(t, c, 1)
	fill(t, c, top, numbers(0, 10)...)
	starts := make(chan Mark, 2)
	g := Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		starts <- p.Start
		if err := p.Commit(ctx, Mark{Offset: 4, Metadata: `{"plan":7}`}); err != nil {
			return err
		}
		for b, err := range p.Batches(ctx) {
			if err != nil || len(b.Records) > 0 && b.Records[0].Offset < p.Start.Offset {
				return fmt.Errorf("%+v %w", b, err)
			}
		}
		return nil
	}}
	stop := member(t, c, g)
	if m := <-starts; m != (Mark{}) {
		t.Errorf("first start: %+v", m)
	}
	eventually(t, "the commit", func() bool { return committed(t, c, top)[0].Offset == 4 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	stop = member(t, c, g)
	if m := <-starts; m != (Mark{4, `{"plan":7}`}) {
		t.Errorf("second start: %+v", m)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func committed(t testing.TB, c *Client, top string) []Mark {
	t.Helper()
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	m, err := a.Committed(t.Context(), top, []string{top})
	if err != nil {
		t.Fatal(err)
	}
	return m[top]
}

func TestAPositionThatIsGoneIsAnErrorNotASkip(t *testing.T) {
	c := client(t)
	top := topic(t, c, 1)
	fill(t, c, top, numbers(0, 10)...)
	got := make(chan error, 1)
	var after []int64
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		if err := p.MoveTo(5000); err != nil {
			return err
		}
		for b, err := range p.Batches(ctx) {
			if err != nil {
				got <- err
				if err := p.MoveTo(3); err != nil {
					return err
				}
				continue
			}
			for _, r := range b.Records {
				after = append(after, r.Offset)
			}
		}
		return nil
	}})
	select {
	case err := <-got:
		if lost := (*Lost)(nil); !errors.As(err, &lost) {
			t.Errorf("%v is not *Lost", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no error")
	}
	time.Sleep(time.Second)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if len(after) != 7 || after[0] != 3 {
		t.Errorf("after the move to 3: %v", after)
	}
}

func TestFrom(t *testing.T) {
	c := client(t)
	top := topic(t, c, 1)
	fill(t, c, top, numbers(0, 10)...) // at began and the nine milliseconds after it
	for name, tc := range map[string]struct {
		from From
		want int64
	}{
		"earliest": {From{}, 0}, "latest": {From{Latest: true}, 11}, "time": {From{Time: time.UnixMilli(began + 4)}, 4},
		"later than all": {From{Time: time.Now().Add(time.Hour)}, 11},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := c.Admin()
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			starts, err := a.Starts(t.Context(), top, tc.from)
			if err != nil {
				t.Fatal(err)
			}
			if known, err := a.Knows(t.Context(), top+name, top); known || err != nil {
				t.Errorf("the group is known: %v, %v", known, err)
			}
			at := make(chan int64, 1)
			stop := member(t, c, Group{Name: top + name, Topics: []string{top}, Starts: map[string][]int64{top: starts}, Own: func(ctx context.Context, p *Partition) error {
				at <- p.Start.Offset
				<-p.Stopped()
				return nil
			}})
			if got := <-at; got != tc.want {
				t.Errorf("begins at %d, not %d", got, tc.want)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestProducerFencesTheOneBefore(t *testing.T) {
	c := client(t)
	top := topic(t, c, 1)
	fill(t, c, top, "a")
	old, err := c.Producer(t.Context(), "id "+top)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	mark := func(v string) Entry { return entry(top+".marks", "m", v) }
	if err := old.Store(t.Context(), top, &record.Batch{Records: []record.Record{{Time: record.NoTime, Value: []byte("b")}}}, mark("old")); err != nil {
		t.Fatal(err)
	}
	young, err := c.Producer(t.Context(), "id "+top)
	if err != nil {
		t.Fatal(err)
	}
	defer young.Close()
	err = old.Store(t.Context(), top, &record.Batch{Records: []record.Record{{Time: record.NoTime, Value: []byte("c")}}}, mark("zombie"))
	if !errors.Is(err, ErrFenced) {
		t.Errorf("the old producer got %v, not ErrFenced", err)
	}
	if err := young.Store(t.Context(), top, &record.Batch{}, mark("young")); err != nil {
		t.Fatal(err)
	}
	table, err := c.Table(t.Context(), top+".marks", 0)
	if err != nil || string(table["m"]) != "young" || string(table["split"]) != "1" {
		t.Errorf("table %q, %v", table, err)
	}
}

func TestTableWaitsForAnOpenTransactionBeforeOurRecord(t *testing.T) {
	c := client(t)
	top := topic(t, c, 1)
	fill(t, c, top, "a")
	marks := top + ".marks"
	open, err := c.Producer(t.Context(), "open "+top)
	if err != nil {
		t.Fatal(err)
	}
	if err := open.client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := open.produceAll(t.Context(), []Entry{entry(marks, "other", "x")}); err != nil {
		t.Fatal(err)
	}
	open.client.Flush(5000)
	ours, err := c.Producer(t.Context(), "ours "+top)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if err := ours.Store(t.Context(), top, &record.Batch{}, entry(marks, "ours", "behind")); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(500*time.Millisecond, func() { open.client.AbortTransaction(context.Background()) })
	table, err := c.Table(t.Context(), marks, 0)
	if err != nil || string(table["ours"]) != "behind" || table["other"] != nil {
		t.Errorf("table %q, %v", table, err)
	}
	open.Close()
}

// The headers of every record come with it, whatever its value: none, an empty one, null, one at the end of what was fetched.
func TestHeadersAreSeen(t *testing.T) {
	c := client(t)
	top := topic(t, c, 1)
	p, err := c.Producer(t.Context(), top)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var rows []record.Record
	want := map[string]int{}
	for i, value := range [][]byte{nil, {}, {0}, []byte("x"), bytes.Repeat([]byte("large"), 50_000)} {
		for headers := range 3 {
			key := fmt.Sprintf("%d with %d", i, headers)
			r := record.Record{Time: began, Key: []byte(key), Value: value}
			for range headers {
				r.Headers = append(r.Headers, record.Header{Key: "h", Value: []byte("v")})
			}
			rows, want[key] = append(rows, r), headers
		}
	}
	if err := p.Store(t.Context(), top, &record.Batch{Records: rows}); err != nil {
		t.Fatal(err)
	}
	got, s := map[string]int{}, newSeen()
	stop := member(t, c, Group{Name: top, Topics: []string{top}, Own: func(ctx context.Context, p *Partition) error {
		for b, err := range p.Batches(ctx) {
			if err != nil {
				return err
			}
			s.mu.Lock()
			for _, r := range b.Records {
				got[string(r.Key)] = len(r.Headers)
			}
			s.mu.Unlock()
			s.take(p, b)
		}
		return nil
	}})
	eventually(t, "all rows", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(got) == len(want) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for key, headers := range want {
		if got[key] != headers {
			t.Errorf("a record of value %s headers has %d", key, got[key])
		}
	}
}
