package connector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/penstock/penstock/sink"
)

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
