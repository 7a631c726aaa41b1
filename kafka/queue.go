package kafka

/*
#include <stdlib.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

// librdkafka's own names, declared here since its header is not part of the Go client; weak, so that a client built without
// them still links and the Poll way is taken.
typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_headers_s rd_kafka_headers_t;
typedef struct rd_kafka_message_s {
	int err; void *rkt; int32_t partition; void *payload; size_t len; void *key; size_t key_len; int64_t offset; void *_private;
} rd_kafka_message_t;
#define WEAK __attribute__((weak))
WEAK extern rd_kafka_queue_t *rd_kafka_queue_get_partition(rd_kafka_t *rk, const char *topic, int32_t partition);
WEAK extern void rd_kafka_queue_forward(rd_kafka_queue_t *src, rd_kafka_queue_t *dst);
WEAK extern void rd_kafka_queue_destroy(rd_kafka_queue_t *q);
WEAK extern ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *q, int timeout_ms, rd_kafka_message_t **msgs, size_t n);
WEAK extern void rd_kafka_queue_io_event_enable(rd_kafka_queue_t *q, int fd, const void *payload, size_t size);
WEAK extern void rd_kafka_message_destroy(rd_kafka_message_t *m);
WEAK extern int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *m, int *type);
WEAK extern int32_t rd_kafka_message_leader_epoch(const rd_kafka_message_t *m);
WEAK extern int rd_kafka_message_headers(const rd_kafka_message_t *m, rd_kafka_headers_t **h);
WEAK extern int rd_kafka_header_get_all(const rd_kafka_headers_t *h, size_t i, const char **name, const void **value, size_t *size);
WEAK extern char *rd_kafka_memberid(const rd_kafka_t *rk);
WEAK extern void rd_kafka_mem_free(rd_kafka_t *rk, void *ptr);

static int available(void) {
	return rd_kafka_queue_get_partition && rd_kafka_queue_forward && rd_kafka_queue_destroy && rd_kafka_consume_batch_queue &&
		rd_kafka_queue_io_event_enable && rd_kafka_message_destroy && rd_kafka_message_timestamp && rd_kafka_message_leader_epoch && rd_kafka_message_headers &&
		rd_kafka_header_get_all && rd_kafka_memberid && rd_kafka_mem_free;
}

// headed is whether a message may have headers. To ask librdkafka costs allocations for each message, so what it would look at
// is looked at here: in a message of a batch, which has an epoch where those of old formats have none, the number of headers follows the
// value, and librdkafka hands values out where they came to stand, but those that are empty. TestHeadersAreSeen shows that this is so.
static int headed(const rd_kafka_message_t *m) {
	return !m->err && (!m->payload || !m->len || rd_kafka_message_leader_epoch(m) < 0 || ((const char *)m->payload)[m->len] != 0);
}

typedef struct { int64_t offset, time; int32_t key, value, headers, err; } meta_t; // lengths in bytes, -1 null; headers is their count

static ssize_t take(rd_kafka_queue_t *q, rd_kafka_message_t **m, size_t n, meta_t *r, size_t *bytes) {
	ssize_t got = rd_kafka_consume_batch_queue(q, 0, m, n);
	size_t b = 0;
	for (ssize_t i = 0; i < got; i++) {
		int type;
		rd_kafka_headers_t *h;
		r[i].offset = m[i]->offset;
		r[i].time = rd_kafka_message_timestamp(m[i], &type);
		r[i].key = m[i]->key ? (int32_t)m[i]->key_len : -1;
		r[i].value = m[i]->payload ? (int32_t)m[i]->len : -1;
		r[i].err = m[i]->err;
		r[i].headers = 0;
		b += (m[i]->key ? m[i]->key_len : 0) + (m[i]->payload ? m[i]->len : 0);
		if (headed(m[i]) && rd_kafka_message_headers(m[i], &h) == 0) {
			const char *name; const void *value; size_t size;
			while (rd_kafka_header_get_all(h, r[i].headers, &name, &value, &size) == 0) {
				b += 8 + strlen(name) + (value ? size : 0);
				r[i].headers++;
			}
		}
	}
	*bytes = b;
	return got;
}

static char *put(char *dst, const void *src, size_t n) { memcpy(dst, src, n); return dst + n; }

static void copy(rd_kafka_message_t **m, ssize_t n, const meta_t *r, char *dst) {
	for (ssize_t i = 0; i < n; i++) {
		rd_kafka_headers_t *h;
		if (m[i]->key) dst = put(dst, m[i]->key, m[i]->key_len);
		if (m[i]->payload) dst = put(dst, m[i]->payload, m[i]->len);
		if (r[i].headers && rd_kafka_message_headers(m[i], &h) == 0) {
			for (int32_t k = 0; k < r[i].headers; k++) {
				const char *name; const void *value; size_t size;
				rd_kafka_header_get_all(h, k, &name, &value, &size);
				int32_t lens[2] = { (int32_t)strlen(name), value ? (int32_t)size : -1 };
				dst = put(dst, lens, 8);
				dst = put(dst, name, lens[0]);
				if (value) dst = put(dst, value, size);
			}
		}
		rd_kafka_message_destroy(m[i]);
	}
}
*/
import "C"

import (
	"encoding/binary"
	"reflect"
	"unsafe"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// How much one crossing into C takes at most. Beyond some 2,000 messages a row costs no less. What it copies is held for each partition,
// in memory that no budget counts: so it is bounded in bytes too, by the size that the messages before had, and a quarter of what is
// fetched ahead.
const (
	batchRows  = 2000
	batchBytes = 512 << 10
	firstRows  = 16 // as long as nothing is known
)

// batchQueue reads one partition's own queue, many messages a crossing. That is three times cheaper a row than Poll, and gives
// each partition back-pressure of its own: what is not read is soon not fetched.
type batchQueue struct {
	q     *C.rd_kafka_queue_t
	msgs  **C.rd_kafka_message_t
	metas []C.meta_t
	arena []byte
	bytes int // that a crossing copies, about
	most  int // messages that the next crossing takes: fewer where they are large
}

// handleOf is librdkafka's handle of a consumer or producer, or nil where the client no longer keeps it where it did.
func handleOf[T kafka.Consumer | kafka.Producer](c *T) *C.rd_kafka_t {
	h := reflect.ValueOf(c).Elem().FieldByName("handle")
	if C.available() == 0 || !h.IsValid() || h.Kind() != reflect.Struct {
		return nil
	}
	rk := h.FieldByName("rk")
	if !rk.IsValid() || rk.Kind() != reflect.Pointer {
		return nil
	}
	return (*C.rd_kafka_t)(rk.UnsafePointer())
}

// memberID is the name under which the group knows the consumer at this moment; "" outside a group, and where it cannot be had.
func memberID(c *kafka.Consumer) string {
	rk := handleOf(c)
	if rk == nil {
		return ""
	}
	id := C.rd_kafka_memberid(rk)
	if id == nil {
		return ""
	}
	defer C.rd_kafka_mem_free(rk, unsafe.Pointer(id))
	return C.GoString(id)
}

// openBatchQueue takes the partition's queue out of Poll's reach, to be read in pieces of so many bytes at most, about. It must be
// called before the partition is assigned, each time.
func openBatchQueue(c *kafka.Consumer, topic string, partition int32, w *waker, most int) *batchQueue {
	name := C.CString(topic)
	defer C.free(unsafe.Pointer(name))
	most = min(most, batchBytes)
	rows := batchRows * most / batchBytes
	q := &batchQueue{
		q:     C.rd_kafka_queue_get_partition(handleOf(c), name, C.int32_t(partition)),
		msgs:  (**C.rd_kafka_message_t)(C.malloc(C.size_t(rows) * C.size_t(unsafe.Sizeof(uintptr(0))))),
		metas: make([]C.meta_t, rows),
		bytes: most,
		most:  firstRows,
	}
	C.rd_kafka_queue_forward(q.q, nil)
	id := C.uint64_t(w.id)
	C.rd_kafka_queue_io_event_enable(q.q, C.int(w.fd), unsafe.Pointer(&id), 8)
	return q
}

// close gives the queue back. The reader has left by then.
func (q *batchQueue) close() {
	C.rd_kafka_queue_io_event_enable(q.q, -1, nil, 0)
	C.rd_kafka_queue_destroy(q.q)
	C.free(unsafe.Pointer(q.msgs))
}

// read fills out with what has been fetched, if anything, from memory that is used again by the next read.
func (q *batchQueue) read(out *raw) {
	var size C.size_t
	n := int(C.take(q.q, q.msgs, C.size_t(q.most), &q.metas[0], &size))
	if n <= 0 {
		return
	}
	q.most = min(len(q.metas), 2*q.most, 1+q.bytes/(1+int(size)/n))
	if cap(q.arena) < int(size)+1 || cap(q.arena) > 4*q.bytes && int(size) < q.bytes {
		q.arena = make([]byte, int(size)+int(size)/4+1)
	}
	buf := q.arena[:int(size)+1]
	C.copy(q.msgs, C.ssize_t(n), &q.metas[0], (*C.char)(unsafe.Pointer(&buf[0])))
	cut := func(n C.int32_t) []byte {
		if n < 0 {
			return nil
		}
		b := buf[:n:n]
		buf = buf[n:]
		return b
	}
	for i := range n {
		m := &q.metas[i]
		r := record.Record{Offset: int64(m.offset), Time: int64(m.time), Key: cut(m.key), Value: cut(m.value)}
		for range int(m.headers) {
			name, value := C.int32_t(binary.NativeEndian.Uint32(buf)), C.int32_t(binary.NativeEndian.Uint32(buf[4:]))
			buf = buf[8:]
			r.Headers = append(r.Headers, record.Header{Key: string(cut(name)), Value: cut(value)})
		}
		out.add(r, kafka.ErrorCode(m.err))
	}
}
