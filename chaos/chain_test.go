package chaos

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commit is one entry of a group's history: what it was made to remember of a partition.
type commit struct {
	topic     string
	partition int32
	mark
	forgotten bool // it was made to forget
}

// history reads all that the bed's groups were ever told, from the broker's own log of it.
func (b *bed) history() []commit {
	b.t.Helper()
	return slices.DeleteFunc(b.memories(), func(c commit) bool { return c.forgotten })
}

// memories is the history with what the groups were made to forget.
func (b *bed) memories() (all []commit) {
	b.t.Helper()
	b.read("__consumer_offsets", func(r *kgo.Record) {
		var key kmsg.OffsetCommitKey
		var value kmsg.OffsetCommitValue
		if len(r.Key) < 2 || r.Key[1] > 1 || key.ReadFrom(r.Key) != nil || r.Value != nil && value.ReadFrom(r.Value) != nil {
			return // of a group itself
		}
		if strings.Contains(key.Group, b.name) {
			m := mark{}
			if r.Value != nil {
				m = newMark(b.t, value.Offset, value.Metadata)
			}
			all = append(all, commit{key.Group + " " + key.Topic, key.Partition, m, r.Value == nil})
		}
	})
	return all
}

// generation is a group's latest, which grows with every rebalance.
func (b *bed) generation(group string) (latest int32) {
	b.t.Helper()
	b.read("__consumer_offsets", func(r *kgo.Record) {
		var key kmsg.GroupMetadataKey
		var value kmsg.GroupMetadataValue
		if len(r.Key) < 2 || r.Key[1] != 2 || r.Value == nil || key.ReadFrom(r.Key) != nil || value.ReadFrom(r.Value) != nil || key.Group != group {
			return
		}
		latest = max(latest, value.Generation)
	})
	return latest
}

// wantChain wants that what the groups were told of each partition goes (S) to (S, plan E) to (E), and that no interval with rows
// was passed without a plan: what the data alone may not show.
func (b *bed) wantChain() {
	b.t.Helper()
	for _, why := range b.breaks() {
		b.t.Error(why)
	}
}

// breaks is where the chain does not hold.
func (b *bed) breaks() (all []string) {
	b.t.Helper()
	type key struct {
		topic     string
		partition int32
	}
	filled := map[key][]int64{}
	topics := map[string]bool{}
	last := map[key]*mark{}
	for _, c := range b.history() {
		group, topic, _ := strings.Cut(c.topic, " ")
		if !topics[topic] {
			topics[topic] = true
			for _, r := range b.rows(topic) {
				filled[key{topic, r.partition}] = append(filled[key{topic, r.partition}], r.offset)
			}
		}
		k := key{group + " " + topic, c.partition}
		before := last[k]
		last[k] = &c.mark
		if before == nil {
			continue
		}
		if why := broken(*before, c.mark, filled[key{topic, c.partition}]); why != "" {
			all = append(all, fmt.Sprintf("group %s, partition %d: %v follows %v: %s", group, c.partition, c.mark, *before, why))
		}
	}
	if len(last) == 0 {
		all = append(all, "the groups have no history")
	}
	return all
}

// broken says why one mark may not follow another, where the topic has rows at these offsets.
func broken(before, after mark, rows []int64) string {
	switch {
	case after.offset < before.offset:
		return "it went backwards"
	case after.offset == before.offset && before.End != 0 && after.End != before.End:
		return "the plan was dropped or changed"
	case after.offset == before.offset:
		return ""
	case after.End != 0:
		return "a plan has to be made at an offset that stands"
	case before.End != 0 && after.offset != before.End:
		return "it is not where the plan ends"
	case before.End == 0:
		for _, r := range rows {
			if r >= before.offset && r < after.offset {
				return "rows were passed without a plan"
			}
		}
	}
	return ""
}
