package kafka

import (
	"fmt"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// raw is what one read of a partition's queue gave, before it is checked against what was expected.
type raw struct {
	records []record.Record
	end     int64 // the position where the partition ended, when the read came to it; -1 otherwise
	err     error // comes after the records
}

func (r *raw) reset() { r.records, r.end, r.err = r.records[:0], -1, nil }

// add takes in one message, which may be an event in a message's clothes.
func (r *raw) add(rec record.Record, code kafka.ErrorCode) {
	switch {
	case r.err != nil:
	case code == kafka.ErrNoError:
		r.records, r.end = append(r.records, rec), -1
	case code == kafka.ErrPartitionEOF:
		r.end = rec.Offset
	case code == kafka.ErrAutoOffsetReset:
		r.err = &Lost{Offset: rec.Offset, Text: string(rec.Value)}
	default:
		r.err = fmt.Errorf("%s: %w", rec.Value, kafka.NewError(code, code.String(), false))
	}
}

// Lost says that the rows at the position a partition had reached are no longer, or not yet, on the topic.
type Lost struct {
	Offset int64 // the one that was asked for
	Text   string
}

func (e *Lost) Error() string {
	return fmt.Sprintf("offset %d is not on the topic: %s", e.Offset, e.Text)
}

// A queue is one partition's fetched messages. Its reader is one goroutine; read never waits.
type queue interface {
	read(out *raw)
	close()
}
