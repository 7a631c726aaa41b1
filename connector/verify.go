package connector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

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

// keeper is the sink of one layout, the store that it puts its objects in, and what with that their names begin with.
type keeper struct {
	sink.Keeper
	store, place string
}

// keepers are the sinks of all layouts that the connector has written under, but those whose objects another one finds too.
func (v *verifier) keepers(topic string) ([]keeper, error) {
	layouts := []string{v.book.today}
	used := v.book.usedKey("")
	for key := range v.book.kept {
		if hash, ok := strings.CutPrefix(key, used); ok {
			layouts = append(layouts, hash)
		}
	}
	for _, l := range v.ledgers {
		if m, err := readMemo(l.before); err == nil && m.Layout != "" {
			layouts = append(layouts, m.Layout)
		}
	}
	slices.Sort(layouts)
	var all []keeper
	for _, layout := range slices.Compact(layouts) {
		c, err := v.book.config(layout)
		if err != nil {
			return nil, fmt.Errorf("layout %s, which the connector has written under: %w", layout, err)
		}
		if k, ok := c.Sink.(sink.Keeper); ok {
			store, prefix := k.Place(topic)
			v.stores[layout] = store
			all = append(all, keeper{k, store, store + prefix})
		}
	}
	slices.SortStableFunc(all, func(a, b keeper) int { return cmp.Compare(len(a.place), len(b.place)) })
	var few []keeper
	for _, k := range all {
		if !slices.ContainsFunc(few, func(wider keeper) bool { return strings.HasPrefix(k.place, wider.place) }) {
			few = append(few, k)
		}
	}
	return few, nil
}

// scan enters what stands into the ledgers.
func (v *verifier) scan(ctx context.Context, topic string) error {
	keepers, err := v.keepers(topic)
	if err != nil {
		return err
	}
	all := func(sink.Object) bool { return true }
	if err := v.walk(ctx, topic, keepers, func(l *ledger) (int64, int64) { return l.from, l.to }, all); err != nil {
		return err
	}
	hidden := map[int32]bool{} // partitions where another's object hides which of ours comes before what is asked about
	for p, l := range v.ledgers {
		if l.passed && !l.below {
			hidden[int32(p)] = true
		}
	}
	if len(hidden) == 0 {
		return nil
	}
	before := func(l *ledger) (int64, int64) {
		if hidden[int32(l.line.Partition)] {
			return 0, l.from
		}
		return endless, endless
	}
	return v.walk(ctx, topic, keepers, before, func(o sink.Object) bool { return hidden[o.Partition] && o.First < v.ledgers[o.Partition].from })
}

// walk enters what stands of offsets that wanted gives, with what is beside them, if it counts.
func (v *verifier) walk(ctx context.Context, topic string, keepers []keeper, wanted func(*ledger) (from, to int64), counts func(sink.Object) bool) error {
	within := func(partition int32) (from, to int64) {
		if int(partition) < len(v.ledgers) {
			return wanted(v.ledgers[partition])
		}
		return 0, endless
	}
	reads, reading := errgroup.WithContext(ctx)
	reads.SetLimit(2 * runtime.GOMAXPROCS(0))
	for _, k := range keepers {
		for o, err := range k.Objects(ctx, topic, within) {
			if err != nil {
				return errors.Join(err, reads.Wait())
			}
			if v.rename(&o, k.store); counts(o) && v.enter(topic, o) && v.scope.Rows {
				reads.Go(func() error { return v.inspect(reading, o) })
			}
		}
	}
	return reads.Wait()
}

// rename gives an object that was found in a store the name that it has for the sink that made it, whose store may lie in that one or
// around it.
func (v *verifier) rename(o *sink.Object, store string) {
	if name, ok := strings.CutPrefix(store+o.Name, v.stores[o.Is.Layout]); ok && v.stores[o.Is.Layout] != "" {
		o.Name = name
	}
}

// enter takes one object in, if it is the connector's and of the topic.
func (v *verifier) enter(topic string, o sink.Object) bool {
	f := Finding{Topic: topic, Partition: int(o.Partition), From: o.First, To: o.First + 1, Object: o.Name}
	if o.Alien != "" {
		f.Kind, f.Text = "foreign", "it has the name of an object of ours, and "+o.Alien
		v.find(f)
		return false
	}
	named := o.Partition >= 0 && int(o.Partition) < len(v.ledgers)
	if o.Is.Connector != v.Name || o.Is.Topic != topic {
		if named && o.First < v.ledgers[o.Partition].from {
			v.ledgers[o.Partition].passed = true
		}
		return false
	}
	if int(o.Is.Partition) >= len(v.ledgers) || o.Is.Partition < 0 {
		f.Kind, f.Partition, f.Text = "orphaned", int(o.Is.Partition), fmt.Sprintf("it is of partition %d, and the topic has %d", o.Is.Partition, len(v.ledgers))
		v.find(f)
		return false
	}
	return v.ledgers[o.Is.Partition].enter(o)
}

// inspect reads an object.
func (v *verifier) inspect(ctx context.Context, o sink.Object) error {
	v.book.mu.Lock()
	c, err := v.book.config(o.Is.Layout)
	v.book.mu.Unlock()
	f := Finding{Topic: o.Is.Topic, Partition: int(o.Is.Partition), From: o.Is.From, To: o.Is.Until, Object: o.Name}
	if err != nil {
		f.Kind, f.Text = "unproven", fmt.Sprintf("it cannot be read: layout %s: %v", o.Is.Layout, err)
		v.find(f)
		return nil
	}
	k, ok := c.Sink.(sink.Keeper)
	if !ok {
		return ErrNoKeeper
	}
	err = k.Inspect(ctx, o)
	if broken := (*sink.Broken)(nil); errors.As(err, &broken) {
		f.Kind, f.Text = "damaged", broken.Why
		v.find(f)
		return nil
	}
	return err
}
