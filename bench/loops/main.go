// Command loops does what any program on the same client has to do at least: it reads a topic and counts, by Poll, message after message,
// or in batches from the partitions' own queues; or it writes rows of one to another in transactions. It shares no code with penstock,
// which is measured against it.
//
//	loops poll|tuned|batch|produce BROKERS TOPIC PARTITIONS ROWS TARGET
package main

/*
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_message_s {
	int err; void *rkt; int32_t partition; void *payload; size_t len; void *key; size_t key_len; int64_t offset; void *_private;
} rd_kafka_message_t;
extern rd_kafka_queue_t *rd_kafka_queue_get_partition(rd_kafka_t *rk, const char *topic, int32_t partition);
extern void rd_kafka_queue_forward(rd_kafka_queue_t *src, rd_kafka_queue_t *dst);
extern ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *q, int timeout_ms, rd_kafka_message_t **msgs, size_t n);
extern void rd_kafka_message_destroy(rd_kafka_message_t *m);

// take copies the values of up to n messages to dst, one behind the other, and says how many there were.
static ssize_t take(rd_kafka_queue_t *q, rd_kafka_message_t **m, size_t n, char *dst, size_t room, size_t *bytes) {
	ssize_t got = rd_kafka_consume_batch_queue(q, 100, m, n), rows = 0;
	*bytes = 0;
	for (ssize_t i = 0; i < got; i++) {
		if (!m[i]->err) {
			if (*bytes + m[i]->len <= room) memcpy(dst + *bytes, m[i]->payload, m[i]->len);
			*bytes += m[i]->len;
			rows++;
		}
		rd_kafka_message_destroy(m[i]);
	}
	return rows;
}
*/
import "C"

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"sync/atomic"
	"unsafe"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "loops:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 6 {
		return fmt.Errorf("%q: want poll|tuned|batch|produce BROKERS TOPIC PARTITIONS ROWS TARGET", args)
	}
	how, brokers, topic := args[0], args[1], args[2]
	partitions, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	rows, err := strconv.ParseInt(args[4], 10, 64)
	if err != nil {
		return err
	}
	config := kafka.ConfigMap{"bootstrap.servers": brokers, "group.id": "loops", "enable.auto.commit": false, "auto.offset.reset": "earliest"}
	if how != "poll" {
		for k, v := range map[string]any{
			"fetch.queue.backoff.ms": 5, "queued.min.messages": 500000, "queued.max.messages.kbytes": 16384, "fetch.message.max.bytes": 4 << 20, "check.crcs": false,
		} {
			config[k] = v
		}
	}
	c, err := kafka.NewConsumer(&config)
	if err != nil {
		return err
	}
	assigned := make([]kafka.TopicPartition, partitions)
	for i := range assigned {
		assigned[i] = kafka.TopicPartition{Topic: &topic, Partition: int32(i), Offset: kafka.OffsetBeginning}
	}
	switch how {
	case "batch":
		return batches(c, assigned, rows)
	case "produce":
		return produce(c, assigned, brokers, args[5], rows)
	}
	return polls(c, assigned, rows)
}

func polls(c *kafka.Consumer, assigned []kafka.TopicPartition, rows int64) error {
	if err := c.Assign(assigned); err != nil {
		return err
	}
	for rows > 0 {
		switch e := c.Poll(100).(type) {
		case *kafka.Message:
			rows--
		case kafka.Error:
			return e
		}
	}
	return nil
}

// batchRows is how many messages one crossing into C takes.
const batchRows = 2000

func batches(c *kafka.Consumer, assigned []kafka.TopicPartition, rows int64) error {
	rk := (*C.rd_kafka_t)(reflect.ValueOf(c).Elem().FieldByName("handle").FieldByName("rk").UnsafePointer())
	var left atomic.Int64
	left.Store(rows)
	done := make(chan struct{}, len(assigned))
	for _, p := range assigned {
		q := C.rd_kafka_queue_get_partition(rk, C.CString(*p.Topic), C.int32_t(p.Partition))
		C.rd_kafka_queue_forward(q, nil)
		go func() {
			messages := (**C.rd_kafka_message_t)(C.malloc(batchRows * 8))
			arena := make([]byte, 1<<20)
			for left.Load() > 0 {
				var size C.size_t
				left.Add(-int64(C.take(q, messages, batchRows, (*C.char)(unsafe.Pointer(&arena[0])), C.size_t(len(arena)), &size)))
				if int(size) > len(arena) {
					arena = make([]byte, 2*size)
				}
			}
			done <- struct{}{}
		}()
	}
	if err := c.Assign(assigned); err != nil {
		return err
	}
	for range assigned {
		<-done
	}
	return nil
}
