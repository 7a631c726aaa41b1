package connector

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	confluent "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/kafka"
)

// operator does to the cluster what only people do.
func (r *rig) operator(f func(a *confluent.AdminClient) error) {
	r.Helper()
	a, err := confluent.NewAdminClient(&confluent.ConfigMap{"bootstrap.servers": servers.Brokers, "log_level": 0})
	if err != nil {
		r.Fatal(err)
	}
	defer a.Close()
	if err := f(a); err != nil {
		r.Fatal(err)
	}
}

// expire makes the rows before an offset go, as retention does.
func (r *rig) expire(before int64) {
	r.Helper()
	r.operator(func(a *confluent.AdminClient) error {
		_, err := a.DeleteRecords(r.Context(), []confluent.TopicPartition{{Topic: &r.topic, Partition: 0, Offset: confluent.Offset(before)}})
		return err
	})
}

func TestRowsThatExpired(t *testing.T) {
	const rows = 100
	for name, c := range map[string]struct {
		plan   int64 // its end, from 10 on
		gone   int64 // rows before it have expired
		stands []int // first offsets of the files that come
	}{
		"without a plan":       {0, 30, []int{30, 50, 70, 90}},
		"within a plan":        {40, 30, []int{30, 40, 60, 80}},
		"a whole plan":         {40, 40, []int{40, 60, 80}},
		"more than a plan":     {40, 50, []int{50, 70, 90}},
		"all there ever was":   {0, 101, nil},
		"a plan, and the rest": {40, 101, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1)
			r.produce(numbers(0, rows, 1)...)
			r.commit(map[int32]kafka.Mark{0: memo{Version: 1, Layout: r.layout(), End: c.plan}.mark(10)})
			r.expire(c.gone)
			run := r.run(r.local("flush: {rows: 20, every: 100ms}"))
			want := fmt.Sprintf("rows from offset 10 to %d have expired before they were read", c.gone)
			if why := run.held(); !strings.Contains(why, want) || !strings.Contains(why, "set on_offset_loss: continue to go on with the oldest that is left") {
				t.Errorf("%s; want %s", why, want)
			}
			run.stopped()
			if n := len(files(t, r.dir)); n > 0 {
				t.Errorf("%d files", n)
			}
			again := r.run(r.local("flush: {rows: 20, every: 100ms}\non_offset_loss: continue"))
			eventually(t, "all that is left is committed", func() bool { return r.committed()[0].Offset == rows+1 })
			again.stopped()
			var firsts []int
			for _, f := range files(t, r.dir) {
				firsts = append(firsts, firstOf(t, f.name))
				if f.rows[0] != firstOf(t, f.name) {
					t.Errorf("%s begins with %d", f.name, f.rows[0])
				}
			}
			if fmt.Sprint(firsts) != fmt.Sprint(c.stands) {
				t.Errorf("files begin at %v, want %v", firsts, c.stands)
			}
			if n := count(t, r.dir); n != max(rows-int(c.gone), 0) {
				t.Errorf("%d rows", n)
			}
		})
	}
}

// TestATopicThatWasMadeAgain begins anew, since its broker forgets the group's offsets with the topic; what the old one left stays.
func TestATopicThatWasMadeAgain(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 50, 1)...)
	run := r.run(r.local("flush: {rows: 50}"))
	eventually(t, "the rows are visible", func() bool { return count(t, r.dir) == 50 })
	run.stopped()
	r.operator(func(a *confluent.AdminClient) error {
		_, err := a.DeleteTopics(r.Context(), []string{r.topic})
		return err
	})
	r.ensure(kafka.Topic{Name: r.topic, Partitions: 1})
	r.produce(numbers(50, 20, 1)...)
	again := r.run(r.local("flush: {every: 100ms}"))
	if why := again.held(); !strings.Contains(why, "stands already and is not this connector's (it is of the topic with the id") {
		t.Error(why)
	}
	again.stopped()
	exactly(t, r.dir, 50)
	elsewhere := r.run(strings.Replace(r.local("flush: {every: 100ms}\ngroup: new-"+r.topic), "path: all", "path: new", 1))
	eventually(t, "the new topic's rows are visible", func() bool { return count(t, r.dir) == 70 })
	elsewhere.stopped()
	exactly(t, r.dir, 70)
}

// TestAnOffsetBeyondTheEnd holds: going on from there would leave out what comes.
func TestAnOffsetBeyondTheEnd(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 50, 1)...)
	r.commit(map[int32]kafka.Mark{0: memo{Version: 1, Layout: r.layout()}.mark(5000)})
	run := r.run(r.local("flush: {every: 100ms}\non_offset_loss: continue"))
	if why := run.held(); !strings.Contains(why, "offset 5000 is committed but the topic ends at 51: it was truncated or made again; delete the group") {
		t.Error(why)
	}
	run.stopped()
	if n := count(t, r.dir); n > 0 {
		t.Errorf("%d rows are visible", n)
	}
}

// TestATopicOfOffsetsThatGrew still tells how far each split was read: nothing is read again.
func TestATopicOfOffsetsThatGrew(t *testing.T) {
	r := newRig(t, 1)
	r.client.Config.OffsetsTopic = r.topic + "-offsets"
	r.client.Config.Properties["topic.metadata.refresh.interval.ms"] = "200"
	in := t.TempDir()
	for i := range 20 {
		if err := os.WriteFile(fmt.Sprintf("%s/%d.csv", in, i), []byte("n\n1\n2\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf("source: {csv: {path: %q}}\ntopic: %s", in+"/*.csv", r.topic)
	run := r.run(text)
	eventually(t, "the files are read", run.Status.Finished.Load)
	r.operator(func(a *confluent.AdminClient) error {
		_, err := a.CreatePartitions(r.Context(), []confluent.PartitionsSpecification{{Topic: r.client.Config.OffsetsTopic, IncreaseTo: 13}})
		return err
	})
	time.Sleep(time.Second) // the running one takes the new partitions
	run.stopped()
	again := r.run(text)
	eventually(t, "the files are read", again.Status.Finished.Load)
	again.stopped()
	if a, b := run.Status.Stored.Load(), again.Status.Stored.Load(); a != 40 || b != 0 {
		t.Errorf("%d rows are stored, then %d", a, b)
	}
}
