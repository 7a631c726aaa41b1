package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/parts"
)

// A service that is told to stop while it reads flushes what it has taken in, and the next one goes on at the next row.
func TestStopAndGoOn(t *testing.T) {
	p, brokers := newPipeline(t, "service", hsi), parts.Kafka(t)
	p.configure("key: Index}", "key: Index, rate: 1000/s}", "{crawler: stock, at_most_every: 15m}", "{crawler: "+p.id+", at_most_every: 0s, poll: 100ms}")
	run := p.start("run")
	grown(t, brokers, p.id, 2000)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := run.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	ends(t, run, 0, time.Second)
	t.Logf("stopped in %.1f s", time.Since(began).Seconds())

	tp, made := readTopic(t, brokers, p.id), p.bucket.all(t)
	t.Logf("%d rows are in the topic", tp.rows())
	if n := tp.rows(); n < 2000 || n >= 5692 {
		t.Errorf("%d rows are in the topic, want some of 5692", n)
	}
	for prefix, c := range claims(p.id, tp) {
		if len(made[prefix]) == 0 {
			t.Errorf("%s flushed nothing", c.connector)
		}
		c.upTo(made[prefix]).judge(made[prefix]).report(t, c.connector+" stopped")
	}
	p.drain()
	p.judge()
}

// From the start of the process to the first object that a new group makes: columns inferred, the group joined, rows read and flushed.
// The best of three counts, since the machine may be busy.
func TestStartsAtOnce(t *testing.T) {
	topic := fmt.Sprintf("quick-%x", time.Now().UnixNano())
	load(t, topic, 3, 20_000, wideRow)
	best := time.Hour
	for i := range 3 {
		b, dir := newBucket(parts.S3(t), fmt.Sprintf("%s-%d", topic, i)), t.TempDir()
		must(b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b.name}))(t)
		began, run := time.Now(), startSink(t, dir, b, topic, `path: all, format: parquet`, "every: 200ms", "256MiB")
		for len(must(b.list(t.Context(), ""))(t)) == 0 && time.Since(began) < 30*time.Second {
			time.Sleep(10 * time.Millisecond)
		}
		took := time.Since(began)
		t.Logf("the first object after %v", took)
		best = min(best, took)
		if err := run.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if best > 2*time.Second {
		t.Errorf("the first object came after %v", best)
	}
}

// upTo is the claim for a sink that did not come to the end of the topic.
func (c claim) upTo(s store) claim {
	files := c.files(s, new(problems))
	partitions := make([][]message, len(c.topic.partitions))
	for n, rows := range c.topic.partitions {
		end := int64(0)
		for _, is := range c.intervals(n, files, new(problems)) {
			end = is[1]
		}
		for _, m := range rows {
			if m.offset < end {
				partitions[n] = append(partitions[n], m)
			}
		}
	}
	c.topic.partitions = partitions
	return c
}

// grown waits until a topic, which may not be there yet, holds so many rows.
func grown(t testing.TB, brokers, name string, rows int64) {
	t.Helper()
	client := must(kgo.NewClient(kgo.SeedBrokers(brokers)))(t)
	defer client.Close()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		tp, sum := topic{name: name}, int64(0)
		ends, err := tp.describe(t.Context(), client)
		for _, n := range ends {
			sum += n
		}
		if err == nil && sum >= rows {
			return
		}
	}
	t.Fatalf("topic %s does not come to %d rows", name, rows)
}
