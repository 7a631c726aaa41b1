package chaos

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// makeWith makes a topic of one partition with settings of its own.
func (c *cluster) makeWith(topic string, settings map[string]string) {
	c.t.Helper()
	req := kmsg.NewCreateTopicsRequest()
	tp := kmsg.NewCreateTopicsRequestTopic()
	tp.Topic, tp.NumPartitions, tp.ReplicationFactor = topic, 1, 1
	for name, value := range settings {
		s := kmsg.NewCreateTopicsRequestTopicConfig()
		s.Name, s.Value = name, &value
		tp.Configs = append(tp.Configs, s)
	}
	req.Topics = append(req.Topics, tp)
	c.check("make "+topic, ask(c, &req).Topics[0].ErrorCode)
}

// compacting makes a topic that is compacted within a second, and lets the broker look that often.
func (c *cluster) compacting(topic string) {
	c.t.Helper()
	req := kmsg.NewIncrementalAlterConfigsRequest()
	broker := kmsg.NewIncrementalAlterConfigsRequestResource()
	broker.ResourceType = kmsg.ConfigResourceTypeBroker
	often := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	often.Name, often.Value = "log.cleaner.backoff.ms", kmsg.StringPtr("200")
	broker.Configs = append(broker.Configs, often)
	req.Resources = append(req.Resources, broker)
	c.check("let the cleaner look often", ask(c, &req).Resources[0].ErrorCode)
	c.makeWith(topic, map[string]string{
		"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "0",
	})
}

// keyed produces n rows, each with a key of its own.
func (b *bed) keyed(n int) {
	b.t.Helper()
	for range n {
		b.supersede(b.sent)
	}
}

// supersede produces one row with the key of each of others; of those nothing is left when the topic is compacted.
func (b *bed) supersede(others ...int) {
	b.t.Helper()
	for _, id := range others {
		r := &kgo.Record{Topic: b.name, Key: fmt.Appendf(nil, "k%d", id), Value: fmt.Appendf(nil, `{"id":%d,"p":"%c"}`, b.sent, 'a'+b.sent%3)}
		b.sent++
		if err := b.cl.ProduceSync(b.t.Context(), r).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// compact waits until rows are gone. The segment that is written to is never compacted, so there has to be a new one.
func (b *bed) compact(gone ...int) {
	b.t.Helper()
	b.supersede(gone...)
	left := func() (all map[int]bool) {
		all = map[int]bool{}
		for _, r := range b.rows(b.name) {
			all[(object{body: r.value}).ids(b.t)[0]] = true
		}
		return all
	}
	time.Sleep(150 * time.Millisecond)
	b.keyed(1)
	await(b.t, fmt.Sprint("the cleaner to take ", gone), func() bool {
		now := left()
		return !slices.ContainsFunc(gone, func(id int) bool { return now[id] })
	})
}

// wantLeft wants each row that is left on the topic in one object, and each that is gone in one if it was visible before, else in none.
func (b *bed) wantLeft(before map[int]int) {
	b.t.Helper()
	want := maps.Clone(before)
	for _, r := range b.rows(b.name) {
		want[(object{body: r.value}).ids(b.t)[0]] = 1
	}
	if got := b.visible(); !maps.Equal(got, want) {
		b.t.Errorf("rows, and in how many objects they stand:\n  %v\nwant\n  %v\n  %v", got, want, b.names())
	}
}

// visible counts the objects in which each row stands.
func (b *bed) visible() map[int]int {
	b.t.Helper()
	all := map[int]int{}
	for _, o := range b.objects("") {
		for _, id := range o.ids(b.t) {
			all[id]++
		}
	}
	return all
}

// rowsGone are rows of the interval [10,20), whose paths are b, c and a in turn: b holds the anchor.
var rowsGone = map[string][]int{
	"the first row":              {10},
	"the anchor's rows":          {10, 13, 16, 19},
	"the first row of each path": {10, 11, 12},
	"all but the last":           span(10, 19),
	"all rows":                   span(10, 20),
}

// TestCompacted compacts rows away between a worker's death in the midst of an interval and the next one's start: what was visible stays, and
// what is left of the rest comes once. So it is where the group remembers the plan, and where it remembers only where that began.
func TestCompacted(t *testing.T) {
	t.Parallel()
	often := map[string]bool{ // those that tell most; the others where there is time
		"planned, the first row, forgotten=false":                 true,
		"the anchor stands alone, the first row, forgotten=false": true,
		"the anchor stands alone, the first row, forgotten=true":  true,
		"visible, the anchor's rows, forgotten=false":             true,
		"visible, the first row of each path, forgotten=true":     true,
		"visible, all rows, forgotten=false":                      true,
	}
	for _, d := range []death{
		{name: "planned", point: "planned@2"},
		{name: "the anchor stands alone", s3: hold, offset: 11},
		{name: "visible", point: "visible@2"},
	} {
		for what, gone := range rowsGone {
			for _, forgotten := range []bool{false, true} {
				name := fmt.Sprintf("%s, %s, forgotten=%v", d.name, what, forgotten)
				if os.Getenv(envRounds) == "" && !often[name] {
					continue
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					b := newBed(t)
					b.compacting(b.name)
					b.keyed(25)
					b.file("connectors.yaml", simple)
					b.file("heir.yaml", replace(simple, "rows: 10", "rows: 7"))
					w := b.fall(d)
					w.must("kill", w.Kill())
					await(t, "the proxy to notice", b.proxy.idle)
					b.proxy.release()
					before := b.visible()
					b.compact(gone...)
					if forgotten {
						await(t, "the dead to be missed", func() bool { return len(b.members(b.group())) == 0 })
						b.setBack(b.group(), b.name, 0, 10, "")
					}
					b.drain("heir.yaml")
					b.wantMark(b.ends(b.name)[0], 0, -1)
					b.wantLeft(before)
					b.keyed(5)
					b.drain("heir.yaml")
					b.wantLeft(before)
				})
			}
		}
	}
}

// fall runs a worker up to a death.
func (b *bed) fall(d death) *worker {
	b.t.Helper()
	if d.point != "" {
		return b.standing(d.point)
	}
	return b.stuck(d.s3, d.offset)
}

// TestCompactedAndSetBack has a group go back over several intervals of a topic that has been compacted: none of their first rows is left.
func TestCompactedAndSetBack(t *testing.T) {
	t.Parallel()
	for what, gone := range map[string][]int{
		"first rows of all paths": {0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32},
		"two whole intervals":     span(10, 30),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.compacting(b.name)
			b.keyed(40)
			b.file("connectors.yaml", simple)
			b.file("heir.yaml", replace(simple, "rows: 10", "rows: 17"))
			b.drain()
			before := b.visible()
			b.compact(gone...)
			b.forget(b.group())
			b.drain("heir.yaml")
			b.wantMark(b.ends(b.name)[0], 0, -1)
			b.wantLeft(before)
		})
	}
}
