package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A topic is what a reader of committed rows sees of one, in the order of the offsets, read by another client than penstock's.
type topic struct {
	name, id   string
	partitions [][]message
}

// A message is one row and where it stands.
type message struct {
	offset int64
	time   time.Time
	stock
}

func (tp topic) rows() (n int) {
	for _, p := range tp.partitions {
		n += len(p)
	}
	return n
}

// readTopic reads all that a topic holds.
func readTopic(t testing.TB, brokers, name string) topic {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.ConsumeTopics(name), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	tp := topic{name: name}
	ends, err := tp.describe(ctx, client)
	if err != nil {
		t.Fatalf("topic %s: %v", name, err)
	}
	tp.partitions = make([][]message, len(ends))
	for at := make([]int64, len(ends)); !slices.Equal(at, ends); {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("topic %s, read to %v of %v: %v", name, at, ends, err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			at[r.Partition] = r.Offset + 1 // also of the markers of transactions
			if r.Attrs.IsControl() {
				continue
			}
			m, err := readRecord(r)
			if err != nil {
				t.Fatalf("topic %s, partition %d, offset %d: %v", name, r.Partition, r.Offset, err)
			}
			tp.partitions[r.Partition] = append(tp.partitions[r.Partition], m)
		}
	}
	return tp
}

// describe asks for the topic's id and for the ends of its partitions.
func (tp *topic) describe(ctx context.Context, client *kgo.Client) (ends []int64, err error) {
	ask := kmsg.NewPtrMetadataRequest()
	ask.Topics = []kmsg.MetadataRequestTopic{{Topic: kmsg.StringPtr(tp.name)}}
	meta, err := ask.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	id := meta.Topics[0].TopicID
	tp.id = base64.RawURLEncoding.EncodeToString(id[:])
	list := kmsg.NewPtrListOffsetsRequest()
	list.ReplicaID, list.IsolationLevel = -1, 1
	of := kmsg.ListOffsetsRequestTopic{Topic: tp.name}
	for _, p := range meta.Topics[0].Partitions {
		of.Partitions = append(of.Partitions, kmsg.ListOffsetsRequestTopicPartition{Partition: p.Partition, Timestamp: -1, CurrentLeaderEpoch: -1})
	}
	list.Topics = []kmsg.ListOffsetsRequestTopic{of}
	answer, err := list.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	if len(answer.Topics) != 1 || len(of.Partitions) == 0 {
		return nil, fmt.Errorf("%d answers for %d partitions", len(answer.Topics), len(of.Partitions))
	}
	ends = make([]int64, len(of.Partitions))
	for _, p := range answer.Topics[0].Partitions {
		ends[p.Partition] = p.Offset
	}
	return ends, nil
}

// readRecord takes a record's value apart.
func readRecord(r *kgo.Record) (message, error) {
	m := message{offset: r.Offset, time: r.Timestamp}
	if err := m.parse(r.Value, header); err != nil {
		return m, err
	}
	if string(r.Key) != m.index {
		return m, fmt.Errorf("the key is %q, the index %q", r.Key, m.index)
	}
	return m, nil
}

// parse reads a JSON object whose members are exactly these columns, in this order.
func (s *stock) parse(text []byte, columns []string) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	tokens := []json.Token{}
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		tokens = append(tokens, token)
	}
	if len(tokens) != 2+2*len(columns) || tokens[0] != json.Delim('{') || d.InputOffset() != int64(len(text)) {
		return fmt.Errorf("%s is not an object of the members %q", text, columns)
	}
	for i, name := range columns {
		if tokens[1+2*i] != name {
			return fmt.Errorf("%s: member %d is %v, want %q", text, i, tokens[1+2*i], name)
		}
		if err := s.set(name, tokens[2+2*i]); err != nil {
			return fmt.Errorf("%s: %s: %w", text, name, err)
		}
	}
	return nil
}

// set takes a JSON token for a cell.
func (s *stock) set(column string, token json.Token) error {
	text, isText := token.(string)
	number, isNumber := token.(json.Number)
	i := slices.Index(header, column)
	switch {
	case i == 0 && isText:
		s.index = text
	case i == 1 && isText:
		s.date = text
	case i > 1 && token == nil:
		s.prices[i-2].null = true
	case i > 1 && isNumber:
		f, err := number.Float64()
		s.prices[i-2] = priceOf(f)
		return err
	default:
		return fmt.Errorf("%v has no place there", token)
	}
	return nil
}
