package kafka

/*
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

// librdkafka's own names, weak as in queue.go.
typedef struct rd_kafka_s rd_kafka_t;
#define WEAK __attribute__((weak))
WEAK extern int rd_kafka_producev(rd_kafka_t *rk, ...);

enum { END = 0, TOPIC = 1, PARTITION = 3, VALUE = 4, KEY = 5, FLAGS = 7, TIMESTAMP = 8, COPY = 2 };

static int can_feed(void) { return rd_kafka_producev != NULL; }

typedef struct { int64_t time; int32_t key, value; } row_t; // lengths in bytes, -1 null; time 0 is now

// feed hands rows to the client, whose bytes stand one behind the other at data, and is how many it took; err says why not the next.
static int feed(rd_kafka_t *rk, const char *topic, int32_t partition, const row_t *r, int n, char *data, int *err) {
	for (int i = 0; i < n; i++) {
		char *key = r[i].key < 0 ? NULL : data, *value = r[i].value < 0 ? NULL : data + (r[i].key > 0 ? r[i].key : 0);
		*err = rd_kafka_producev(rk, TOPIC, topic, PARTITION, partition, FLAGS, COPY, KEY, key, (size_t)(key ? r[i].key : 0),
			VALUE, value, (size_t)(value ? r[i].value : 0), TIMESTAMP, r[i].time, END);
		if (*err) return i;
		data += (key ? r[i].key : 0) + (value ? r[i].value : 0);
	}
	return n;
}
*/
import "C"

import (
	"context"
	"time"
	"unsafe"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// feedRows and feedBytes are how much one crossing into C takes, about.
const (
	feedRows  = 1000
	feedBytes = 512 << 10
)

// feeder hands rows to a producer, many a crossing into C: one by one, each row costs a crossing, and what the Go client makes for it.
type feeder struct {
	rk   *C.rd_kafka_t
	rows []C.row_t
	data []byte
}

// can is false where rows have to be produced one by one: the client does not let us, or one of them has headers.
func (f *feeder) can(records []record.Record) bool {
	if f.rk == nil {
		return false
	}
	for i := range records {
		if len(records[i].Headers) > 0 {
			return false
		}
	}
	return true
}

func newFeeder(p *kafka.Producer) feeder {
	if C.can_feed() == 0 {
		return feeder{}
	}
	return feeder{rk: handleOf(p)}
}

// feed gives a topic records, whose partition the key decides, waiting while the client's queue is full.
func (f *feeder) feed(ctx context.Context, topic string, records []record.Record) error {
	name := C.CString(topic)
	defer C.free(unsafe.Pointer(name))
	for len(records) > 0 {
		n := f.gather(records)
		for at, done := 0, 0; done < n; {
			var code C.int
			took := int(C.feed(f.rk, name, C.int32_t(AnyPartition), &f.rows[done], C.int(n-done), (*C.char)(unsafe.Pointer(&f.data[at])), &code))
			for _, r := range f.rows[done : done+took] {
				at += int(max(0, r.key) + max(0, r.value))
			}
			if done += took; done == n {
				break
			}
			if kafka.ErrorCode(code) != kafka.ErrQueueFull {
				return kafka.NewError(kafka.ErrorCode(code), kafka.ErrorCode(code).String(), false)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Millisecond):
			}
		}
		records = records[n:]
	}
	return nil
}

// gather lays out as many of the records as one crossing takes, and says how many.
func (f *feeder) gather(records []record.Record) (n int) {
	f.rows, f.data = f.rows[:0], f.data[:0]
	length := func(b []byte) C.int32_t {
		if b == nil {
			return -1
		}
		f.data = append(f.data, b...)
		return C.int32_t(len(b))
	}
	for n < min(len(records), feedRows) && len(f.data) < feedBytes {
		r := &records[n]
		row := C.row_t{key: length(r.Key)}
		row.value = length(r.Value)
		if r.Time != record.NoTime {
			row.time = C.int64_t(r.Time)
		}
		f.rows = append(f.rows, row)
		n++
	}
	f.data = append(f.data, 0) // so that there is an address behind empty ones
	return n
}
