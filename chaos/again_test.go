package chaos

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// destroy deletes a topic, and waits until nobody knows it.
func (c *cluster) destroy(topic string) {
	c.t.Helper()
	req := kmsg.NewDeleteTopicsRequest()
	req.TopicNames = []string{topic}
	dt := kmsg.NewDeleteTopicsRequestTopic()
	dt.Topic = &topic
	req.Topics = append(req.Topics, dt)
	c.check("delete "+topic, ask(c, &req).Topics[0].ErrorCode)
	for c.topics()[topic] {
		time.Sleep(10 * time.Millisecond)
	}
	c.cl.PurgeTopicsFromClient(topic)
}

// again makes the topic again, with n rows.
func (b *bed) again(n int) {
	b.t.Helper()
	b.destroy(b.name)
	b.make(b.name, 1)
	b.add(n, "")
}

// wantOf wants the rows with these ids, once each, in the objects that bear one topic's id, and gives the ids of topics that it met.
func (b *bed) wantOf(topics ...[]int) {
	b.t.Helper()
	rows := map[string]map[int]int{}
	for _, o := range b.objects("") {
		of := o.meta["penstock-topic-id"]
		if rows[of] == nil {
			rows[of] = map[int]int{}
		}
		for _, id := range o.ids(b.t) {
			rows[of][id]++
		}
	}
	for _, want := range topics {
		once := map[int]int{}
		for _, id := range want {
			once[id] = 1
		}
		found := false
		for of, got := range rows {
			if maps.Equal(got, once) {
				found = true
				delete(rows, of)
			}
		}
		if !found {
			b.t.Errorf("no topic's objects hold the rows %d to %d once each", want[0], want[len(want)-1])
		}
	}
	for of, got := range rows {
		b.t.Errorf("topic %s: the objects hold the rows (with how often) %v", of, got)
	}
}

// span is the numbers from one up to another.
func span(from, to int) (all []int) {
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

// inTheMiddle is a bed with a worker that has made the first 25 rows visible, and waits for more.
func inTheMiddle(t *testing.T) (*bed, *worker) {
	t.Helper()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	b.add(25, "")
	w := b.start()
	await(t, "the first topic's rows", func() bool { return b.remembered().offset == 25 })
	return b, w
}

// TestTopicMadeAgainWhileRunning deletes the topic behind a running worker's back and makes it again, shorter, as long and longer than
// it was. What the worker has in mind is an offset, which says nothing in the new topic: that one is read from its beginning.
func TestTopicMadeAgainWhileRunning(t *testing.T) {
	t.Parallel()
	for _, n := range []int{5, 25, 60} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			b, w := inTheMiddle(t)
			w.must("pause", w.Pause()) // else it might ask just when the topic is empty
			b.again(n)
			w.must("resume", w.Resume())
			await(t, "the second topic's rows", func() bool { return b.remembered().offset == int64(n) })
			w.stop()
			b.wantOf(span(0, 25), span(25, 25+n))
		})
	}
}

// TestTopicMadeAgainWithRowsInHand does it while the worker holds rows of the first topic that it has not made visible: they are gone with
// their topic, and nothing of it stands as the other's.
func TestTopicMadeAgainWithRowsInHand(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	b.add(25, "")
	w := b.standing("cut@3")
	w.must("pause", w.Pause())
	b.again(60)
	w.free()
	w.must("resume", w.Resume())
	await(t, "the second topic's rows", func() bool { return b.remembered().offset == 60 })
	w.stop()
	b.wantOf(span(0, 20), span(25, 85))
}

// TestTopicMadeAgainWhileStopped has the new topic's rows come where the old one's stand: they are refused, until the connector has
// a prefix of its own. No plan of theirs keeps it from that.
func TestTopicMadeAgainWhileStopped(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	b.file("elsewhere.yaml", replace(simple, "path:", "prefix: second, path:"))
	b.add(27, "")
	b.drain()
	b.again(27) // so that rows of one offset have one path
	w := b.start("--drain")
	w.ends(1)
	for _, want := range []string{"is not this connector's (it is of the topic with the id", "move it away, or give the connector a path or prefix of its own"} {
		if !w.says(want) {
			t.Errorf("it did not say %q", want)
		}
	}
	b.wantMark(0, 10, -1)
	b.wantOf(span(0, 27))
	b.drain("elsewhere.yaml")
	b.wantMark(27, 0, -1)
	b.wantOf(span(0, 27), span(27, 54))
	for _, o := range b.objects("") {
		if ids := o.ids(t); strings.HasPrefix(o.key, "second/") != (ids[0] >= 27) {
			t.Errorf("%v holds rows %v", o, ids)
		}
	}
}

// TestPlanOfAnEarlierTopic has the group remember a plan of the topic that was: nothing of it is done in the new one, also where that is
// long enough.
func TestPlanOfAnEarlierTopic(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	b.add(25, "")
	w := b.standing("planned@2")
	w.must("kill", w.Kill())
	plan := b.remembered()
	await(t, "the dead to be missed", func() bool { return len(b.members(b.group())) == 0 })
	b.again(30)
	if m := b.remembered(); m.offset != -1 {
		t.Fatalf("the broker still remembers %v", m)
	}
	b.setBack(b.group(), b.name, 0, plan.offset, plan.text) // as a commit does that lands late
	w = b.start("--drain")
	w.ends(1)
	if want := "the topic was made again under the same name: offset 10 is of the one before; delete the group " + b.group(); !w.says(want) {
		t.Errorf("it did not say %q", want)
	}
	b.wantOf(span(0, 10))
	b.forget(b.group())
	b.drain()
	b.wantMark(30, 0, -1)
	b.wantOf(span(0, 10), span(25, 55))
}

// TestTopicDeleted has the topic go while a worker reads it, beside another that goes on, and come again.
func TestTopicDeleted(t *testing.T) {
	t.Parallel()
	b, w := inTheMiddle(t)
	b.destroy(b.name)
	await(t, "it to say so", func() bool { return w.says("topic " + b.name + ": there is no such topic") })
	b.make(b.name, 1)
	b.add(30, "")
	await(t, "the second topic's rows", func() bool { return b.remembered().offset == 30 })
	w.stop()
	b.wantOf(span(0, 25), span(25, 55))
}

// TestPartitionsAdded to the topic while workers run: their first rows count, and nobody has to do anything.
func TestPartitionsAdded(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	b.property("connectors.yaml", "topic.metadata.refresh.interval.ms", "500") // that of librdkafka, half a minute by default
	b.add(25, "")
	workers := []*worker{b.start(), b.start()}
	await(t, "the first rows", func() bool { return b.remembered().offset == 25 })
	b.widen(b.name, 3)
	ids := span(0, 25)
	for p := range int32(3) {
		var values [][]byte
		for range 25 {
			values = append(values, fmt.Appendf(nil, `{"id":%d,"p":"%c"}`, b.sent, 'a'+b.sent%3))
			ids = append(ids, b.sent)
			b.sent++
		}
		b.produce(b.name, p, values, "")
	}
	for p, want := range []int64{50, 25, 25} {
		await(t, fmt.Sprint("partition ", p), func() bool { return b.committed(b.group(), b.name, int32(p)).offset == want })
	}
	for _, w := range workers {
		w.stop()
	}
	b.wantOf(ids)
	b.wantAll()
	b.wantChain()
}

// widen gives a topic more partitions.
func (c *cluster) widen(topic string, partitions int32) {
	c.t.Helper()
	req := kmsg.NewCreatePartitionsRequest()
	ct := kmsg.NewCreatePartitionsRequestTopic()
	ct.Topic, ct.Count = topic, partitions
	req.Topics = append(req.Topics, ct)
	c.check("widen "+topic, ask(c, &req).Topics[0].ErrorCode)
	known := func() bool { // by the client that produces
		leader, _, err := c.cl.PartitionLeader(topic, partitions-1)
		return leader >= 0 && err == nil
	}
	for !known() {
		c.cl.ForceMetadataRefresh()
		time.Sleep(20 * time.Millisecond)
	}
}

// property adds a client property to a file of connectors.
func (b *bed) property(file, name, value string) {
	b.t.Helper()
	path := filepath.Join(b.dir, file)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(replace(string(text), "properties: {", fmt.Sprintf("properties: {%s: %q, ", name, value))), 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestOperatorWhileRunning has an operator try, while a worker runs, to make the group forget or go back: the broker does not let him.
func TestOperatorWhileRunning(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", simple)
	b.add(25, "")
	w := b.start()
	await(t, "the first rows", func() bool { return b.remembered().offset == 25 })
	deletion := kmsg.NewDeleteGroupsRequest()
	deletion.Groups = []string{b.group()}
	if code := ask(b.cluster, &deletion).Groups[0].ErrorCode; kerr.ErrorForCode(code) != kerr.NonEmptyGroup {
		t.Errorf("to delete the group: %v", kerr.ErrorForCode(code))
	}
	offsets := kmsg.NewOffsetDeleteRequest()
	ot := kmsg.NewOffsetDeleteRequestTopic()
	ot.Topic, ot.Partitions = b.name, []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}
	offsets.Group, offsets.Topics = b.group(), append(offsets.Topics, ot)
	if code := ask(b.cluster, &offsets).Topics[0].Partitions[0].ErrorCode; kerr.ErrorForCode(code) != kerr.GroupSubscribedToTopic {
		t.Errorf("to delete its offsets: %v", kerr.ErrorForCode(code))
	}
	if code := b.tellGroup(b.group(), b.name, 0, 10, ""); kerr.ErrorForCode(code) != kerr.UnknownMemberID {
		t.Errorf("to set it back: %v", kerr.ErrorForCode(code))
	}
	b.add(25, "")
	await(t, "the other rows", func() bool { return b.remembered().offset == 50 })
	w.stop()
	b.wantAll()
	b.wantChain()
}
