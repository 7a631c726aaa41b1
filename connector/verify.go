package connector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/sink"
)

// Scope is what to verify. Its zero value is all that a group has committed.
type Scope struct {
	From, To Bound
	Rows     bool // read the objects, and compare them with what the topic still holds
}

// Bound is an offset of each partition, or the first record of a time or later. The zero value is none.
type Bound struct {
	Given  bool
	Offset int64
	Time   time.Time // zero where it is an offset
}

// Verification is what stands of a connector's topics, and what is wrong with it.
type Verification struct {
	Connector  string     `json:"connector"`
	Whole      bool       `json:"whole"`
	Partitions []Verified `json:"partitions"`
	Findings   []Finding  `json:"findings"`
}

// Verified is what stands of one partition, between two offsets.
type Verified struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	Intervals int    `json:"intervals"`
	Files     int64  `json:"files"`
	Rows      int64  `json:"rows"`
	Findings  int    `json:"findings"`
}

// Finding is one thing that is wrong.
type Finding struct {
	Kind      string `json:"kind"` // gap, overlap, doubled, damaged, orphaned, foreign or unproven
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	From      int64  `json:"from"` // offsets that it is about
	To        int64  `json:"to"`
	Object    string `json:"object,omitempty"`
	Text      string `json:"text"`
	Remedy    string `json:"remedy"`
}

// What to do about a finding of each kind.
var remedies = map[string]string{
	"gap":      "restore the objects with their metadata, as from an earlier version in the bucket; the group's offset has passed them, and they are not written again",
	"overlap":  "remove the objects of one of the two; the group was set back, or they were copied",
	"doubled":  "remove the copy",
	"damaged":  "restore the object with its metadata, as from an earlier version in the bucket",
	"orphaned": "of this topic: run the connector, which takes them over; of another one: move them away",
	"foreign":  "move it away: it holds the partition when one of ours is to stand there",
	"unproven": "leave it out with --from, or look at what made the objects",
}

// ErrNoKeeper says that a sink does not say what stands.
var ErrNoKeeper = errors.New("its sink does not say what it has made; s3 and local do")

// Verify compares what stands with what the group has committed and what the topics hold. It joins no group and changes nothing.
// Beside a worker that runs it judges what was committed when it began. Of r it needs Name, Config, Client and Build.
func (r *Run) Verify(ctx context.Context, scope Scope) (*Verification, error) {
	if _, ok := r.Config.Sink.(sink.Keeper); !ok {
		return nil, ErrNoKeeper
	}
	v := &verifier{Run: r, scope: scope, stores: map[string]string{}, out: &Verification{Connector: r.Name, Partitions: []Verified{}, Findings: []Finding{}}}
	v.book = newBook(r)
	if err := v.book.alone(ctx, v.book.read); err != nil && !errors.Is(err, kafka.ErrNoTopic) {
		return nil, err
	}
	a, err := r.Client.Admin()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if r.topics, err = r.Config.TopicsNow(ctx, a); err != nil {
		return nil, err
	}
	for _, topic := range r.topics {
		if err := v.topic(ctx, a, topic); err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, err)
		}
	}
	v.out.Whole = len(v.out.Findings) == 0
	slices.SortStableFunc(v.out.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.From, b.From))
	})
	return v.out, nil
}

// verifier is a verification under way.
type verifier struct {
	*Run
	scope    Scope
	out      *Verification
	id       string // of the topic in hand
	compacts bool
	stores   map[string]string // by layout
	ledgers  []*ledger         // of its partitions

	mu sync.Mutex // of out.Findings
}

func (v *verifier) find(f Finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f.Remedy == "" {
		f.Remedy = remedies[f.Kind]
	}
	v.out.Findings = append(v.out.Findings, f)
}

// topic verifies one. What is committed is asked for before the objects and after: those that come meanwhile are not judged.
func (v *verifier) topic(ctx context.Context, a *kafka.Admin, topic string) error {
	if err := v.open(ctx, a, topic); err != nil {
		return err
	}
	if err := v.scan(ctx, topic); err != nil {
		return err
	}
	after, err := a.Committed(ctx, v.Group(), []string{topic})
	if err != nil {
		return err
	}
	low, err := a.Starts(ctx, topic, kafka.From{})
	if err != nil {
		return err
	}
	for p, l := range v.ledgers {
		l.after, l.low = after[topic][p], low[p]
		if l.judge(); l.sound {
			if err := l.replay(ctx); err != nil {
				return err
			}
		}
	}
	for _, l := range v.ledgers {
		l.line.Findings = 0
		for _, f := range v.out.Findings {
			if f.Topic == topic && f.Partition == l.line.Partition {
				l.line.Findings++
			}
		}
		v.out.Partitions = append(v.out.Partitions, l.line)
	}
	return nil
}

// open makes the ledgers of a topic's partitions.
func (v *verifier) open(ctx context.Context, a *kafka.Admin, topic string) error {
	ids, err := a.IDs(ctx, []string{topic})
	if err != nil {
		return err
	}
	if v.compacts, err = a.Compacts(ctx, topic); err != nil {
		return err
	}
	marks, err := a.Committed(ctx, v.Group(), []string{topic})
	if err != nil {
		return err
	}
	from, err := v.scope.From.of(ctx, a, topic, len(marks[topic]), 0)
	if err != nil {
		return err
	}
	to, err := v.scope.To.of(ctx, a, topic, len(marks[topic]), endless)
	if err != nil {
		return err
	}
	starts, err := v.book.startsOf(topic)
	if err != nil {
		return err
	}
	v.id, v.ledgers = ids[topic], nil
	for p, m := range marks[topic] {
		l := &ledger{verifier: v, topic: topic, from: from[p], to: to[p], before: m, intervals: map[span]*interval{}, strays: map[string]*stray{}}
		l.line = Verified{Topic: topic, Partition: p}
		if p < len(starts) {
			l.began = starts[p]
		}
		v.ledgers = append(v.ledgers, l)
	}
	return nil
}

// endless is an offset that no partition comes to.
const endless = 1 << 62

// of is the bound's offset in each partition; none where it is not given.
func (b Bound) of(ctx context.Context, a *kafka.Admin, topic string, partitions int, none int64) ([]int64, error) {
	if b.Given && !b.Time.IsZero() {
		return a.Starts(ctx, topic, kafka.From{Time: b.Time})
	}
	if b.Given {
		none = b.Offset
	}
	return slices.Repeat([]int64{none}, partitions), nil
}
