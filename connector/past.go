package connector

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// past is the rules under which rows may stand that were made visible before today's layout: of each one the connector had. What cannot
// be had any more nobody can look for.
func (b *book) past(topic string) (all []*rules) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(b.kept)) {
		hash, ok := strings.CutPrefix(key, b.usedKey(""))
		if !ok || hash == b.today {
			continue
		}
		if r, err := b.rules(hash, topic, b.version(topic)); err == nil {
			all = append(all, r)
		}
	}
	return all
}

// look begins to walk forward from an offset: what the group remembers may have gone backwards, and the configuration has changed since.
// Under the rules at hand, if they are not today's, and then under all others of the past, it is asked whether what comes next stands already.
func (t *task) look() {
	t.past = t.others()
	if t.in.layout == t.book.today && len(t.past) > 0 {
		t.in, t.past = t.past[0], t.past[1:]
	}
	t.probing = t.in.layout != t.book.today
}

// others are the rules of the past but for those at hand.
func (t *task) others() []*rules {
	return slices.DeleteFunc(t.book.past(t.p.Topic), func(r *rules) bool { return r.layout == t.in.layout })
}

// walkOn looks behind an interval that was done again for the next that stands, under the same rules first: a walk through many asks
// the store once for each, and takes in no row more than it has to.
func (t *task) walkOn(ctx context.Context) (err error) {
	t.adopted = false
	if t.in.layout == t.book.today {
		if t.in, err = t.book.latest(t.p.Topic); err != nil {
			return whole{err}
		}
	}
	err = t.moveTo(ctx, t.from, 0)
	t.past, t.probing = t.others(), true
	return err
}
