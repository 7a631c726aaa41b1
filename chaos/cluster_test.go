package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// cluster speaks to the broker with a client that shares no code with penstock's.
type cluster struct {
	t       testing.TB
	brokers string
	cl      *kgo.Client

	replicas int16 // of topics that are made
}

func newCluster(t testing.TB, brokers string) *cluster {
	t.Helper()
	c := &cluster{t: t, brokers: brokers, replicas: 1}
	c.cl = c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	t.Cleanup(c.cl.Close)
	return c
}

func (c *cluster) client(more ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(strings.Split(c.brokers, ",")...), kgo.UnknownTopicRetries(100)}, more...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	return cl
}

// ask sends one request and fails the test where the broker does not answer it.
func ask[R kmsg.Response](c *cluster, req interface {
	RequestWith(context.Context, kmsg.Requestor) (R, error)
}) R {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	resp, err := req.RequestWith(ctx, c.cl)
	for ; kerr.IsRetriable(err) && ctx.Err() == nil; resp, err = req.RequestWith(ctx, c.cl) {
		time.Sleep(50 * time.Millisecond) // a coordinator that has just started
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

// check fails the test for an error code of the broker.
func (c *cluster) check(what string, code int16) {
	c.t.Helper()
	if err := kerr.ErrorForCode(code); err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
}

// make makes a topic, with configs such as "segment.ms=100".
func (c *cluster) make(topic string, partitions int32, configs ...string) {
	c.t.Helper()
	req := kmsg.NewCreateTopicsRequest()
	tp := kmsg.NewCreateTopicsRequestTopic()
	tp.Topic, tp.NumPartitions, tp.ReplicationFactor = topic, partitions, c.replicas
	for _, config := range configs {
		name, value, _ := strings.Cut(config, "=")
		tc := kmsg.NewCreateTopicsRequestTopicConfig()
		tc.Name, tc.Value = name, &value
		tp.Configs = append(tp.Configs, tc)
	}
	req.Topics = append(req.Topics, tp)
	c.check("make "+topic, ask(c, &req).Topics[0].ErrorCode)
}

// produce adds values to a partition. In a transaction they are followed by a control record, which takes an offset too.
func (c *cluster) produce(topic string, partition int32, values [][]byte, transaction string) {
	c.t.Helper()
	cl := c.cl
	if transaction != "" {
		cl = c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(transaction))
		defer cl.Close()
		if err := cl.BeginTransaction(); err != nil {
			c.t.Fatal(err)
		}
	}
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: topic, Partition: partition, Value: v}
	}
	if err := cl.ProduceSync(c.t.Context(), records...).FirstErr(); err != nil {
		c.t.Fatal(err)
	}
	if transaction != "" {
		if err := cl.EndTransaction(c.t.Context(), kgo.TryCommit); err != nil {
			c.t.Fatal(err)
		}
		for !maps.Equal(c.ends(topic), c.endsAt(topic, 0)) { // the control record comes after the answer
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// row is a record of a topic as a reader of committed rows sees it.
type row struct {
	partition int32
	offset    int64
	value     []byte
}

// rows reads a topic from its beginning to its end.
func (c *cluster) rows(topic string) (rows []row) {
	c.t.Helper()
	c.read(topic, func(r *kgo.Record) { rows = append(rows, row{r.Partition, r.Offset, r.Value}) })
	return rows
}

// read gives every committed record of what a topic holds now. Transactions that are open are waited for: one that a dead process
// began ends when the broker next looks.
func (c *cluster) read(topic string, record func(*kgo.Record)) {
	c.t.Helper()
	cl := c.client(kgo.ConsumeTopics(topic), kgo.KeepControlRecords(), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	ends := c.endsAt(topic, 0)
	maps.DeleteFunc(ends, func(_ int32, end int64) bool { return end == 0 })
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	for len(ends) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			c.t.Fatalf("read %s: %v; still to reach: %v", topic, err, ends)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= ends[r.Partition] {
				delete(ends, r.Partition)
			}
			if !r.Attrs.IsControl() {
				record(r)
			}
		})
	}
}

// ends gives the last stable offset of each partition.
func (c *cluster) ends(topic string) map[int32]int64 {
	c.t.Helper()
	return c.endsAt(topic, 1)
}

func (c *cluster) endsAt(topic string, isolation int8) map[int32]int64 {
	c.t.Helper()
	ends, err := c.askEnds(topic, isolation)
	if err != nil {
		c.t.Fatal(err)
	}
	return ends
}

// askEnds is a question that brokers may fail to answer.
func (c *cluster) askEnds(topic string, isolation int8) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	meta := kmsg.NewMetadataRequest()
	mt := kmsg.NewMetadataRequestTopic()
	mt.Topic = &topic
	meta.Topics = append(meta.Topics, mt)
	got, err := meta.RequestWith(ctx, c.cl)
	if err == nil {
		err = kerr.ErrorForCode(got.Topics[0].ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	lt := kmsg.NewListOffsetsRequestTopic()
	lt.Topic = topic
	for _, p := range got.Topics[0].Partitions {
		lp := kmsg.NewListOffsetsRequestTopicPartition()
		lp.Partition, lp.Timestamp = p.Partition, -1
		lt.Partitions = append(lt.Partitions, lp)
	}
	req := kmsg.NewListOffsetsRequest()
	req.IsolationLevel, req.Topics = isolation, append(req.Topics, lt)
	list, err := req.RequestWith(ctx, c.cl)
	if err != nil {
		return nil, fmt.Errorf("ends of %s: %w", topic, err)
	}
	ends := map[int32]int64{}
	for _, p := range list.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return nil, fmt.Errorf("end of %s/%d: %w", topic, p.Partition, err)
		}
		ends[p.Partition] = p.Offset
	}
	return ends, nil
}

// mark is what a group remembers of a partition.
type mark struct {
	offset int64
	text   string // as it stands
	memo
}

// memo is the metadata beside an offset, as the design has it.
type memo struct {
	V      int    `json:"v"`
	End    int64  `json:"end"`
	Layout string `json:"layout"`
	Schema int    `json:"schema"`
	Topic  string `json:"topic"`
	Owed   *int64 `json:"owed"`
}

func newMark(t testing.TB, offset int64, text string) mark {
	t.Helper()
	m := mark{offset: offset, text: text}
	if text == "" {
		return m
	}
	if err := json.Unmarshal([]byte(text), &m.memo); err != nil || m.V != 1 {
		t.Fatalf("metadata %q: version %d, %v", text, m.V, err)
	}
	return m
}

func (m mark) String() string {
	owed := "-"
	if m.Owed != nil {
		owed = fmt.Sprint(*m.Owed)
	}
	return fmt.Sprintf("(%d, plan %d, owed %s)", m.offset, m.End, owed)
}

// committed is what the group remembers of a partition; offset -1 when nothing.
func (c *cluster) committed(group, topic string, partition int32) mark {
	c.t.Helper()
	req := kmsg.NewOffsetFetchRequest()
	req.Group, req.RequireStable = group, true
	ft := kmsg.NewOffsetFetchRequestTopic()
	ft.Topic, ft.Partitions = topic, []int32{partition}
	req.Topics = append(req.Topics, ft)
	fg := kmsg.NewOffsetFetchRequestGroup()
	fg.Group = group
	gt := kmsg.NewOffsetFetchRequestGroupTopic()
	gt.Topic, gt.Partitions = topic, []int32{partition}
	fg.Topics = append(fg.Topics, gt)
	req.Groups = append(req.Groups, fg)
	got := ask(c, &req).Groups[0]
	passing := func() bool { // a coordinator that has just started, a transaction that is open
		err := kerr.ErrorForCode(got.ErrorCode)
		if err == nil {
			err = kerr.ErrorForCode(got.Topics[0].Partitions[0].ErrorCode)
		}
		return kerr.IsRetriable(err)
	}
	for end := time.Now().Add(30 * time.Second); passing() && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
		got = ask(c, &req).Groups[0]
	}
	c.check("committed", got.ErrorCode)
	p := got.Topics[0].Partitions[0]
	c.check("committed", p.ErrorCode)
	text := ""
	if p.Metadata != nil {
		text = *p.Metadata
	}
	return newMark(c.t, p.Offset, text)
}

// setBack makes the group, which has no members, remember something else.
func (c *cluster) setBack(group, topic string, partition int32, offset int64, text string) {
	c.t.Helper()
	code := c.tellGroup(group, topic, partition, offset, text)
	for began := time.Now(); code == kerr.UnknownTopicOrPartition.Code && time.Since(began) < 10*time.Second; { // made a moment ago
		time.Sleep(50 * time.Millisecond)
		code = c.tellGroup(group, topic, partition, offset, text)
	}
	c.check("set back", code)
}

// tellGroup is a commit of nobody's, and the broker's answer.
func (c *cluster) tellGroup(group, topic string, partition int32, offset int64, text string) (code int16) {
	c.t.Helper()
	req := kmsg.NewOffsetCommitRequest()
	req.Group, req.Generation = group, -1
	ct := kmsg.NewOffsetCommitRequestTopic()
	ct.Topic = topic
	cp := kmsg.NewOffsetCommitRequestTopicPartition()
	cp.Partition, cp.Offset, cp.Metadata = partition, offset, &text
	ct.Partitions = append(ct.Partitions, cp)
	req.Topics = append(req.Topics, ct)
	return ask(c, &req).Topics[0].Partitions[0].ErrorCode
}

// forget deletes the group, which has no members.
func (c *cluster) forget(group string) {
	c.t.Helper()
	req := kmsg.NewDeleteGroupsRequest()
	req.Groups = []string{group}
	c.check("delete group", ask(c, &req).Groups[0].ErrorCode)
}

// members are the ids under which a group knows its members.
func (c *cluster) members(group string) (ids []string) {
	c.t.Helper()
	for _, m := range c.describe(group).Members {
		ids = append(ids, m.MemberID)
	}
	return ids
}

// settled tells whether a group has so many members, and all of them know their part.
func (c *cluster) settled(group string, members int) bool {
	c.t.Helper()
	g := c.describe(group)
	return g.State == "Stable" && len(g.Members) == members
}

func (c *cluster) describe(group string) kmsg.DescribeGroupsResponseGroup {
	c.t.Helper()
	req := kmsg.NewDescribeGroupsRequest()
	req.Groups = []string{group}
	return ask(c, &req).Groups[0]
}

// topics are the names of all that the cluster has.
func (c *cluster) topics() map[string]bool {
	c.t.Helper()
	req := kmsg.NewMetadataRequest()
	names := map[string]bool{}
	for _, t := range ask(c, &req).Topics {
		names[*t.Topic] = true
	}
	return names
}
