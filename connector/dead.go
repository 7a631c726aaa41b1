package connector

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
)

// bury makes a dead letter of a record: its key, value, headers and time as they came, and beside them, as Kafka Connect does, what was
// wrong, where, and who refused it. It is stored together with the end of its interval.
func (t *task) bury(b *record.Batch, rec *record.Record, why error, by any) {
	t.count(nil)
	t.bytes += int64(len(rec.Value))
	dead := letter(t.in.config.Errors.Topic, rec,
		header{"topic", b.Topic}, header{"partition", strconv.Itoa(int(b.Partition))}, header{"offset", strconv.FormatInt(rec.Offset, 10)},
		header{"connector.name", t.Name}, header{"task.id", strconv.Itoa(int(b.Partition))}, header{"stage", "TASK_PUT"},
		header{"class.name", fmt.Sprintf("%T", by)}, reason(why), t.message(why))
	t.dead = append(t.dead, dead)
	t.weight += weightOf(&dead.Record)
	t.weigh()
}

// mostDead is how many bytes of dead letters an interval takes: they are stored in one transaction, which has ten seconds.
const mostDead = 16 << 20

// weightOf is about what a record holds in memory.
func weightOf(rec *record.Record) int64 {
	n := 256 + len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		n += 64 + len(h.Key) + len(h.Value)
	}
	return int64(n)
}

// header is one of Kafka Connect's about an error, without what they all begin with.
type header struct{ name, value string }

func reason(why error) header { return header{"exception.class.name", fmt.Sprintf("%T", why)} }

// message is what was wrong, without the secrets that it may speak of.
func (r *Run) message(why error) header {
	text := why.Error()
	if r.Mask != nil {
		text = r.Mask(text)
	}
	return header{"exception.message", text}
}

// letter copies a record, with headers that say what was wrong with it.
func letter(topic string, rec *record.Record, about ...header) kafka.Entry {
	headers := make([]record.Header, 0, len(rec.Headers)+len(about))
	for _, h := range rec.Headers {
		headers = append(headers, record.Header{Key: h.Key, Value: bytes.Clone(h.Value)})
	}
	for _, h := range about {
		headers = append(headers, record.Header{Key: "__connect.errors." + h.name, Value: []byte(h.value)})
	}
	return kafka.Entry{Topic: topic, Partition: kafka.AnyPartition, Record: record.Record{
		Time: rec.Time, Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value), Headers: headers,
	}}
}

// commit moves the offset; with the interval's dead letters, if there are any, in one transaction.
func (t *task) commit(ctx context.Context, f *flight, m kafka.Mark) error {
	if len(f.dead) == 0 {
		return t.p.Commit(ctx, m)
	}
	for limit := 512 << 10; ; limit /= 2 {
		err := t.p.CommitWith(ctx, t.letters, f.dead, m)
		if err == nil {
			t.Status.observe(func(o Observer) { o.Bad("dead_letter", len(f.dead)) })
		}
		if !kafka.TooLarge(err) || limit == 0 {
			return err
		}
		shorten(f.dead, limit)
	}
}

// shorten cuts values above limit, and says so in a header.
func shorten(dead []kafka.Entry, limit int) {
	const mark = "penstock.truncated.from"
	for i := range dead {
		rec := &dead[i].Record
		if len(rec.Value) <= limit {
			continue
		}
		if !slices.ContainsFunc(rec.Headers, func(h record.Header) bool { return h.Key == mark }) {
			rec.Headers = append(rec.Headers, record.Header{Key: mark, Value: strconv.AppendInt(nil, int64(len(rec.Value)), 10)})
		}
		rec.Value = rec.Value[:limit]
	}
}
