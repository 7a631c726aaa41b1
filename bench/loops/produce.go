package main

/*
#include <stdint.h>
#include <stdlib.h>
#include <stddef.h>

typedef struct rd_kafka_s rd_kafka_t;
extern int rd_kafka_producev(rd_kafka_t *rk, ...);

// give hands n values, one behind the other at data, to a producer, with three bytes of each for a key, and says how many it took.
static int give(rd_kafka_t *rk, const char *topic, const int32_t *sizes, int n, char *data, int *err) {
	enum { END = 0, TOPIC = 1, PARTITION = 3, VALUE = 4, KEY = 5, FLAGS = 7, COPY = 2 };
	for (int i = 0; i < n; data += sizes[i++]) {
		*err = rd_kafka_producev(rk, TOPIC, topic, PARTITION, (int32_t)-1, FLAGS, COPY, KEY, data + 10, (size_t)3, VALUE, data, (size_t)sizes[i], END);
		if (*err) return i;
	}
	return n;
}
*/
import "C"

import (
	"context"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"golang.org/x/sync/errgroup"
)

// How much one transaction takes, as a page of a CSV file does, and how many producers there are.
const (
	pageRows  = 10_000
	producers = 4
)

// produce writes the first rows of a topic to another, again and again, in transactions of several producers.
func produce(c *kafka.Consumer, assigned []kafka.TopicPartition, brokers, target string, rows int64) error {
	page, err := read(c, assigned)
	if err != nil {
		return err
	}
	var group errgroup.Group
	for i := range producers {
		group.Go(func() error { return page.write(brokers, fmt.Sprintf("%s-%d", target, i), target, rows/producers) })
	}
	return group.Wait()
}

// page is rows, their values one behind the other.
type page struct {
	data  []byte
	sizes []C.int32_t
}

func read(c *kafka.Consumer, assigned []kafka.TopicPartition) (p page, err error) {
	if err := c.Assign(assigned); err != nil {
		return p, err
	}
	for len(p.sizes) < pageRows {
		switch e := c.Poll(100).(type) {
		case *kafka.Message:
			p.data = append(p.data, e.Value...)
			p.sizes = append(p.sizes, C.int32_t(len(e.Value)))
		case kafka.Error:
			return p, e
		}
	}
	return p, c.Close()
}

func (p page) write(brokers, id, topic string, rows int64) error {
	producer, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": brokers, "transactional.id": id, "linger.ms": 200, "compression.type": "lz4", "partitioner": "murmur2_random",
		"queue.buffering.max.messages": 1000000, "batch.num.messages": 100000, "go.delivery.reports": false,
	})
	if err != nil {
		return err
	}
	defer producer.Close()
	go func() {
		for range producer.Events() {
		}
	}()
	if err := producer.InitTransactions(context.Background()); err != nil {
		return err
	}
	for ; rows > 0; rows -= pageRows {
		if err := p.transact(producer, topic); err != nil {
			return err
		}
	}
	return nil
}

func (p page) transact(producer *kafka.Producer, topic string) error {
	if err := producer.BeginTransaction(); err != nil {
		return err
	}
	rk := (*C.rd_kafka_t)(reflect.ValueOf(producer).Elem().FieldByName("handle").FieldByName("rk").UnsafePointer())
	name := C.CString(topic)
	defer C.free(unsafe.Pointer(name))
	for at, done := 0, 0; done < len(p.sizes); {
		var code C.int
		took := int(C.give(rk, name, &p.sizes[done], C.int(min(1000, len(p.sizes)-done)), (*C.char)(unsafe.Pointer(&p.data[at])), &code))
		for _, n := range p.sizes[done : done+took] {
			at += int(n)
		}
		if done += took; code != 0 && kafka.ErrorCode(code) != kafka.ErrQueueFull {
			return kafka.NewError(kafka.ErrorCode(code), "", false)
		} else if code != 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return producer.CommitTransaction(context.Background())
}
