package chaos

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// expire makes the rows before an offset go, as retention does.
func (c *cluster) expire(topic string, before int64) {
	c.t.Helper()
	req := kmsg.NewDeleteRecordsRequest()
	dt := kmsg.NewDeleteRecordsRequestTopic()
	dp := kmsg.NewDeleteRecordsRequestTopicPartition()
	dt.Topic, dp.Offset = topic, before
	dt.Partitions = append(dt.Partitions, dp)
	req.Topics, req.TimeoutMillis = append(req.Topics, dt), 10000
	c.check("expire rows of "+topic, ask(c, &req).Topics[0].Partitions[0].ErrorCode)
}

// TestExpired lets retention pass a connector that is down: before its plan, within it, and past it. That holds the partition until the
// operator says to go on with what is left; a plan keeps its end even then, and what was visible stays.
func TestExpired(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		death
		gone int64 // rows before it
	}{
		{death{name: "before the plan", point: "before plan@2"}, 15},
		{death{name: "planned", point: "planned@2", plan: 20}, 15},
		{death{name: "the anchor stands alone", s3: hold, offset: 11, plan: 20}, 12},
		{death{name: "visible", point: "visible@2", plan: 20}, 23},
		{death{name: "planned", point: "planned@2", plan: 20}, 25},
	} {
		t.Run(fmt.Sprintf("%s, %d", c.name, c.gone), func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.make(b.name, 1)
			b.add(25, "")
			b.file("connectors.yaml", simple)
			b.file("continue.yaml", simple+"    on_offset_loss: continue\n")
			w := b.fall(c.death)
			w.must("kill", w.Kill())
			await(t, "the proxy to notice", b.proxy.idle)
			b.proxy.release()
			b.expire(b.name, c.gone)
			before, stood := b.visible(), b.names()
			w = b.start("--drain")
			w.ends(1)
			for _, want := range []string{fmt.Sprintf("rows from offset 10 to %d have expired before they were read", c.gone), "set on_offset_loss: continue to go on"} {
				if !w.says(want) {
					t.Errorf("it did not say %q", want)
				}
			}
			b.wantMark(10, c.plan, -1)
			b.wantNames(stood)

			b.add(5, "")
			b.drain("continue.yaml")
			b.wantMark(30, 0, -1)
			b.wantLeft(before)
			for _, o := range b.objects("") {
				if c.plan > 0 && o.from < c.plan && o.until > c.plan {
					t.Errorf("%v goes beyond the plan's end", o)
				}
			}
			b.wantChain()
		})
	}
}
