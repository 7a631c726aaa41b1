package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// data is the rows of one topic: what they are follows from it alone.
type data struct {
	rows       int
	partitions int
	indexes    int // different values of the column Index
	size       int // bytes of a value, where they are not those of a stock row
}

func (d data) topic() string {
	return fmt.Sprintf("stock-%d-%d-%d-%d", d.rows, d.partitions, d.indexes, d.size)
}

// partition is where row n goes: blocks of rows in turn, as a producer that fills batches does it.
func (d data) partition(n int) int32 { return int32(n / 500 % d.partitions) }

// The fourteen indexes of the stock data set.
var stockIndexes = []string{"HSI", "NYA", "IXIC", "000001.SS", "N225", "N100", "399001.SZ", "GSPTSE", "NSEI", "GDAXI", "KS11", "SSMI", "TWII", "J203.JO"}

func (d data) index(n int) string {
	if d.indexes <= len(stockIndexes) {
		return stockIndexes[n%d.indexes]
	}
	return fmt.Sprintf("I%05d", n%d.indexes)
}

const (
	firstDay = "1996-01-01"
	days     = 25 * 365
	began    = 1_790_000_000_000 // the records' time, all of one day
)

// columns declares the rows to a sink that writes typed columns.
const columns = `{Index: string, Date: date, Open: double, High: double, Low: double, Close: double, Adj Close: double, Volume: double, CloseUSD: double}`

// rower writes rows, one after the other. Prices wander as prices do, from a generator of its own.
type rower struct {
	data
	names []string
	dates []string
	state uint64
	price []float64
	pad   []byte
}

func newRower(d data) *rower {
	r := &rower{data: d, state: 42}
	for i := range d.indexes {
		r.names, r.price = append(r.names, d.index(i)), append(r.price, 1000+1000*float64(i%20))
	}
	day, _ := time.Parse(time.DateOnly, firstDay)
	for range days {
		r.dates, day = append(r.dates, day.Format(time.DateOnly)), day.AddDate(0, 0, 1)
	}
	for len(r.pad) < d.size { // text of which a compressor makes a half
		r.pad = strconv.AppendUint(r.pad, math.Float64bits(r.random()), 16)
	}
	return r
}

func (r *rower) random() float64 {
	r.state ^= r.state << 13
	r.state ^= r.state >> 7
	r.state ^= r.state << 17
	return float64(r.state>>11) / (1 << 53)
}

// row appends row n, a stock row of about 173 bytes, or one padded to the size that is asked for.
func (r *rower) row(dst []byte, n int) []byte {
	i, start := n%r.indexes, len(dst)
	at := &r.price[i]
	*at = math.Max(100, *at*(1+(r.random()-.5)/50))
	dst = append(append(dst, `{"Index":"`...), r.names[i]...)
	dst = append(append(dst, `","Date":"`...), r.dates[n/r.indexes%days]...)
	price := func(name string, p float64) {
		dst = strconv.AppendFloat(append(append(append(dst, `,"`...), name...), `":`...), p, 'f', 6, 64)
	}
	dst = append(dst, '"')
	price("Open", *at)
	price("High", *at*(1+r.random()/50))
	price("Low", *at*(1-r.random()/50))
	price("Close", *at*(1+(r.random()-.5)/50))
	price("Adj Close", *at*(1+(r.random()-.5)/50))
	dst = append(strconv.AppendInt(append(dst, `,"Volume":`...), int64(n)*100, 10), ".0"...)
	price("CloseUSD", *at*.13)
	if need := r.size - (len(dst) - start) - len(`,"Note":""}`); need > 0 {
		dst = append(append(append(dst, `,"Note":"`...), r.pad[:need]...), '"')
	}
	return append(dst, '}')
}

// line is row n of a CSV file.
func (r *rower) line(n int) string {
	value := string(r.row(nil, n))
	var cells []string
	for member := range strings.SplitSeq(strings.Trim(value, "{}"), ",") {
		_, cell, _ := strings.Cut(member, ":")
		cells = append(cells, strings.Trim(cell, `"`))
	}
	return strings.Join(cells, ",") + "\n"
}

// read counts the rows, and the bytes of their values, that a reader of committed ones sees on a topic.
func (w *world) read(ctx context.Context, topic string) (rows, size int64, err error) {
	adm := kadm.NewClient(w.kafka)
	ends, err := adm.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return 0, 0, err
	}
	left := map[int32]int64{}
	from := map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if from[o.Partition] = kgo.NewOffset().AtStart(); o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	c, err := kgo.NewClient(kgo.SeedBrokers(w.broker.Brokers), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	for len(left) > 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return rows, size, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				rows++
				size += int64(len(r.Value))
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return rows, size, nil
}

// ensure loads a topic unless that was done, and gives the bytes of its values.
func (w *world) ensure(ctx context.Context, d data) error {
	name := d.topic()
	if w.topics[name] {
		return nil
	}
	if err := w.create(ctx, name, d.partitions); err != nil {
		return err
	}
	if err := w.produce(ctx, name, d); err != nil {
		return fmt.Errorf("topic %s: %w", name, err)
	}
	w.topics[name] = true
	return nil
}

// create makes a topic without rows.
func (w *world) create(ctx context.Context, name string, partitions int) error {
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: name, NumPartitions: int32(partitions), ReplicationFactor: 1}}
	made, err := create.RequestWith(ctx, w.kafka)
	if err == nil {
		err = kerr.ErrorForCode(made.Topics[0].ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("topic %s: %w", name, err)
	}
	return nil
}

func (w *world) produce(ctx context.Context, topic string, d data) error {
	var mu sync.Mutex
	var failed error
	acked := func(_ *kgo.Record, err error) {
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		}
	}
	r := newRower(d)
	for n := range d.rows {
		w.kafka.Produce(ctx, &kgo.Record{
			Topic: topic, Partition: d.partition(n), Value: r.row(nil, n), Timestamp: time.UnixMilli(began + int64(n%1000)),
		}, acked)
	}
	err := w.kafka.Flush(ctx)
	mu.Lock()
	defer mu.Unlock()
	return errors.Join(err, failed)
}

// packer packs batches as the producers of Java and librdkafka do: in blocks of 64 KB, and without a checksum of the content, which every
// reader of the topic would have to compute.
type packer struct{}

// Compress is of kgo.Compressor.
func (packer) Compress(dst *bytes.Buffer, src []byte, _ ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	w := lz4.NewWriter(dst)
	err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false))
	if err == nil {
		_, err = w.Write(src)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, kgo.CodecError // the batch goes out as it is
	}
	return dst.Bytes(), kgo.CodecLz4
}

// bytes is what a topic's values come to.
func (d data) bytes() (n int64) {
	r, sample := newRower(d), min(d.rows, 10_000)
	var buf []byte
	for i := range sample {
		buf = r.row(buf[:0], i*(d.rows/sample))
		n += int64(len(buf))
	}
	return n * int64(d.rows) / int64(sample)
}
