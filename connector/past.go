package connector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// past is the rules under which rows may stand: of each layout that the connector had, today's too. What cannot be had any more nobody
// can look for.
func (b *book) past(topic string) (all []*rules, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(b.kept)) {
		hash, ok := strings.CutPrefix(key, b.usedKey(""))
		if !ok {
			continue
		}
		r, err := b.rules(hash, topic, b.version(topic))
		switch {
		case err == nil:
			all = append(all, r)
		case errors.As(err, new(whole)):
			return nil, err
		case !b.missed[hash]:
			b.missed[hash] = true
			b.run.Log.Warn("what stands under an earlier layout is not looked for: it cannot be had any more", "connector", b.run.Name, "layout", hash, "error", err)
		}
	}
	return all, nil
}

// look begins to walk forward from an offset that was committed: nothing tells whether what the group remembers has gone backwards. Under
// the rules at hand, and then under all others that there were, it is asked whether what comes next stands already; once nothing does,
// the walk is over. A plan is finished first. Who never had others asks nothing: what stands is met where it would be written again.
func (t *task) look() (err error) {
	if t.past, err = t.others(); len(t.past) > 0 {
		t.walking, t.probing = t.until > 0, t.until == 0
	}
	return err
}

// others are the rules that there were but for those at hand.
func (t *task) others() ([]*rules, error) {
	all, err := t.book.past(t.p.Topic)
	return slices.DeleteFunc(all, func(r *rules) bool { return r.layout == t.in.layout }), err
}

// walkOn looks behind an interval that was done again for the next that stands, under the same rules first: a walk through many asks
// the store once for each, and takes in no row more than it has to.
func (t *task) walkOn(ctx context.Context) (err error) {
	t.walking = false
	if t.in.layout == t.book.today {
		if t.in, err = t.book.latest(t.p.Topic); err != nil {
			return whole{err}
		}
	}
	past, err := t.others()
	if err != nil {
		return err
	}
	err = t.moveTo(ctx, t.from, 0)
	t.past, t.probing = past, true
	return err
}
