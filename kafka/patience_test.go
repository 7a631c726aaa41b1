package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock/penstock/record"
)

// refusing is a broker with the topic "t", that gives its answers to a kind of request a code instead, so often. Nil: it answers as ever.
func refusing(t *testing.T, kind int16, times int64, refuse func(kmsg.Request) kmsg.Response) (c *Client, asked *atomic.Int64) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	asked = &atomic.Int64{}
	cluster.ControlKey(kind, func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if asked.Add(1) > times {
			return nil, nil, false
		}
		out := refuse(r)
		return out, nil, out != nil
	})
	return &Client{Config: Config{Brokers: cluster.ListenAddrs()}}, asked
}

// TestWhereToBeginIsAskedAgain, while nobody leads a partition of which the group remembers nothing.
func TestWhereToBeginIsAskedAgain(t *testing.T) {
	t.Parallel()
	c, asked := refusing(t, int16(kmsg.ListOffsets), 4, func(r kmsg.Request) kmsg.Response {
		q := r.(*kmsg.ListOffsetsRequest)
		out := q.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, topic := range q.Topics {
			answer := kmsg.ListOffsetsResponseTopic{Topic: topic.Topic}
			for _, p := range topic.Partitions {
				answer.Partitions = append(answer.Partitions, kmsg.ListOffsetsResponseTopicPartition{
					Partition: p.Partition, ErrorCode: int16(kafka.ErrNotLeaderForPartition), Offset: -1, Timestamp: -1, LeaderEpoch: -1,
				})
			}
			out.Topics = append(out.Topics, answer)
		}
		return out
	})
	start := make(chan Mark, 1)
	stop := member(t, c, Group{Name: "g", Topics: []string{"t"}, Own: func(_ context.Context, p *Partition) error {
		start <- p.Start
		<-p.Stopped()
		return nil
	}})
	select {
	case m := <-start:
		if m.Offset != 0 || asked.Load() <= 4 {
			t.Errorf("it begins at %d, after %d questions", m.Offset, asked.Load())
		}
	case <-time.After(20 * time.Second):
		t.Error("the partition does not come")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestWhoEndsTakesNothingOver: what the group remembers of partitions that come to a member which is to end does not matter to it, and
// that it cannot be read is no failure.
func TestWhoEndsTakesNothingOver(t *testing.T) {
	t.Parallel()
	c, asked := refusing(t, int16(kmsg.OffsetFetch), 1<<30, func(r kmsg.Request) kmsg.Response {
		q := r.(*kmsg.OffsetFetchRequest)
		out := q.ResponseKind().(*kmsg.OffsetFetchResponse)
		for _, group := range q.Groups {
			all := kmsg.OffsetFetchResponseGroup{Group: group.Group}
			for _, topic := range group.Topics {
				answer := kmsg.OffsetFetchResponseGroupTopic{Topic: topic.Topic}
				for _, p := range topic.Partitions {
					answer.Partitions = append(answer.Partitions, kmsg.OffsetFetchResponseGroupTopicPartition{Partition: p, Offset: -1, ErrorCode: int16(kafka.ErrUnstableOffsetCommit)})
				}
				all.Topics = append(all.Topics, answer)
			}
			out.Groups = append(out.Groups, all)
		}
		return out
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var owned atomic.Int64
	ended := make(chan error, 1)
	go func() {
		ended <- c.Consume(ctx, Group{Name: "g", Topics: []string{"t"}, Revoke: time.Second, Drain: 10 * time.Second,
			Own: func(context.Context, *Partition) error { owned.Add(1); return nil }})
	}()
	for end := time.Now().Add(20 * time.Second); asked.Load() == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is asked")
		}
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil || owned.Load() > 0 {
			t.Errorf("it ends with %v, and %d owners", err, owned.Load())
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end")
	}
}

// TestTransactionsThatFailPause before the next one begins: brokers that refuse are not to be asked as fast as they refuse.
func TestTransactionsThatFailPause(t *testing.T) {
	t.Parallel()
	const times = 4
	c, asked := refusing(t, int16(kmsg.AddPartitionsToTxn), times, func(r kmsg.Request) kmsg.Response {
		q := r.(*kmsg.AddPartitionsToTxnRequest)
		out := q.ResponseKind().(*kmsg.AddPartitionsToTxnResponse)
		for _, topic := range q.Topics {
			answer := kmsg.AddPartitionsToTxnResponseTopic{Topic: topic.Topic}
			for _, p := range topic.Partitions {
				answer.Partitions = append(answer.Partitions, kmsg.AddPartitionsToTxnResponseTopicPartition{
					Partition: p, ErrorCode: int16(kafka.ErrTopicAuthorizationFailed),
				})
			}
			out.Topics = append(out.Topics, answer)
		}
		return out
	})
	p, err := c.Producer(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	began := time.Now()
	if err := p.Store(t.Context(), "t", &record.Batch{}, entry("t", "k", "v")); err != nil {
		t.Fatal(err)
	}
	least := 15 * firstPause / 2 // the first, twice that, and so on, each from half of its length on
	if took := time.Since(began); took < least || asked.Load() <= times {
		t.Errorf("stored after %v and %d questions, want no less than %v", took, asked.Load(), least)
	}
	got, err := c.Table(t.Context(), "t", 0)
	if err != nil || string(got["k"]) != "v" {
		t.Errorf("stored: %q, %v", got, err)
	}
}

// Brokers fence who was too slow in the words that they have for who was replaced.
func TestWhoWasFenced(t *testing.T) {
	t.Parallel()
	const limit = 10 * time.Second
	for code, fenced := range map[kafka.ErrorCode]bool{
		kafka.ErrFenced: true, kafka.ErrProducerFenced: true, kafka.ErrInvalidProducerEpoch: true, kafka.ErrAllBrokersDown: false,
	} {
		for took, expired := range map[time.Duration]bool{0: false, limit - 1: false, limit: true, time.Hour: true} {
			err := classify(fmt.Errorf("x: %w", kafka.NewError(code, "", true)), took, limit)
			if errors.Is(err, ErrFenced) != (fenced && !expired) || errors.Is(err, ErrExpired) != (fenced && expired) {
				t.Errorf("%v after %v: %v", code, took, err)
			}
		}
	}
}

// A producer whose transaction its broker has ended, since it took too long, says so, and not that there is another worker.
func TestATransactionThatTookTooLong(t *testing.T) {
	t.Parallel()
	c := client(t)
	c.Config.Properties["transaction.timeout.ms"], c.Config.Properties["socket.timeout.ms"] = "1000", "1000"
	top := topic(t, c, 1)
	p, err := c.Producer(t.Context(), "slow "+top)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	err = p.transact(t.Context(), func() error {
		if err := p.produceAll(t.Context(), []Entry{entry(top, "k", "v")}); err != nil {
			return err
		}
		time.Sleep(13 * time.Second) // the broker looks every ten
		return nil
	})
	if !errors.Is(err, ErrExpired) || errors.Is(err, ErrFenced) || !Outside(err) {
		t.Error(err)
	}
}

// TestLostAndJoinedAgain: whoever the group took for dead says so, and that it is back.
func TestLostAndJoinedAgain(t *testing.T) {
	t.Parallel()
	c, _ := refusing(t, int16(kmsg.Heartbeat), 1, func(r kmsg.Request) kmsg.Response {
		out := r.ResponseKind().(*kmsg.HeartbeatResponse)
		out.ErrorCode = int16(kafka.ErrUnknownMemberID)
		return out
	})
	c.Config.Properties = map[string]string{"session.timeout.ms": "6000"}
	told := make(chan string, 100)
	stop := member(t, c, Group{Name: "g", Topics: []string{"t"}, Changed: func(what string, _ []string) { told <- what },
		Own: func(_ context.Context, p *Partition) error { <-p.Stopped(); return nil }})
	for _, want := range []string{Joined, Assigned, LostPartitions, Joined, Assigned} {
		select {
		case got := <-told:
			if got != want {
				t.Errorf("it says %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("it does not say %q", want)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestAProducerWaitsForItsCoordinator as long as it is wanted, and no longer: whoever waits for it may have a partition to give.
func TestAProducerWaitsForItsCoordinator(t *testing.T) {
	t.Parallel()
	for name, times := range map[string]int64{"that comes back": 5, "that does not": 1 << 40} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, asked := refusing(t, int16(kmsg.InitProducerID), times, func(r kmsg.Request) kmsg.Response {
				out := r.ResponseKind().(*kmsg.InitProducerIDResponse)
				out.ErrorCode = int16(kafka.ErrCoordinatorLoadInProgress)
				return out
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var began atomic.Int64
			if times > 5 {
				time.AfterFunc(2*time.Second, func() { began.Store(time.Now().UnixNano()); cancel() })
			}
			p, err := c.Producer(ctx, "id")
			if err == nil {
				p.Close()
			}
			if (err == nil) != (times == 5) || asked.Load() < 3 {
				t.Errorf("after %d questions: %v", asked.Load(), err)
			}
			if took := time.Duration(time.Now().UnixNano() - began.Load()); times > 5 && took > 4*time.Second {
				t.Errorf("it took %v to be given up", took)
			}
		})
	}
}

// TestAReaderApartIsTold what it would otherwise wait for, for ever; not what passes, nor of the group that it has no need of.
func TestAReaderApartIsTold(t *testing.T) {
	t.Parallel()
	for code, c := range map[kafka.ErrorCode]struct {
		times int64
		want  error
	}{
		kafka.ErrTopicAuthorizationFailed: {1 << 30, kafka.NewError(kafka.ErrTopicAuthorizationFailed, "", false)},
		kafka.ErrOffsetOutOfRange:         {1 << 30, &Lost{}},
		kafka.ErrNotLeaderForPartition:    {2, nil},
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			client, asked := refusing(t, int16(kmsg.Fetch), c.times, func(r kmsg.Request) kmsg.Response {
				q := r.(*kmsg.FetchRequest)
				out := q.ResponseKind().(*kmsg.FetchResponse)
				for _, topic := range q.Topics {
					answer := kmsg.FetchResponseTopic{Topic: topic.Topic, TopicID: topic.TopicID}
					for _, p := range topic.Partitions {
						answer.Partitions = append(answer.Partitions, kmsg.FetchResponseTopicPartition{
							Partition: p.Partition, ErrorCode: int16(code), HighWatermark: -1, LastStableOffset: -1, LogStartOffset: -1, PreferredReadReplica: -1, RecordBatches: []byte{},
						})
					}
					out.Topics = append(out.Topics, answer)
				}
				return out
			})
			readApart(t, client, c.want)
			if asked.Load() == 0 {
				t.Error("nothing was fetched: the test says nothing")
			}
		})
	}
	t.Run("group", func(t *testing.T) {
		t.Parallel()
		client, asked := refusing(t, int16(kmsg.FindCoordinator), 1<<30, func(r kmsg.Request) kmsg.Response {
			out := r.ResponseKind().(*kmsg.FindCoordinatorResponse)
			out.ErrorCode = int16(kafka.ErrGroupAuthorizationFailed)
			return out
		})
		readApart(t, client, nil)
		if asked.Load() == 0 {
			t.Error("no group was looked for: the test says nothing")
		}
	})
}

// readApart reads rows as a span and as a table, which ends as wanted.
func readApart(t *testing.T, c *Client, want error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	p, err := kafka.NewProducer(silent(c.base(nil, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	name, told := "t", make(chan kafka.Event, 1)
	for range 2 {
		if err := p.Produce(&kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &name}, Key: []byte("k"), Value: []byte("v")}, told); err != nil {
			t.Fatal(err)
		}
		<-told
	}
	rows := 0
	var got error
	for b, err := range c.Span(ctx, "t", 0, 0, 2) {
		if got = err; err == nil {
			rows += len(b.Records)
		}
	}
	table, tabled := c.Table(ctx, "t", 0)
	if want == nil && (got != nil || tabled != nil || rows != 2 || len(table) != 1) {
		t.Errorf("%d rows, %v; %d rows, %v", rows, got, len(table), tabled)
	}
	var code, tableCode, wanted kafka.Error
	switch {
	case ctx.Err() != nil:
		t.Error("it waits for ever")
	case errors.As(want, new(*Lost)):
		if lost := (*Lost)(nil); !errors.As(got, &lost) || lost.Offset != 0 || tabled == nil {
			t.Errorf("%v; %v", got, tabled)
		}
	case errors.As(want, &wanted):
		if !errors.As(got, &code) || !errors.As(tabled, &tableCode) || code.Code() != wanted.Code() || tableCode.Code() != wanted.Code() {
			t.Errorf("%v; %v", got, tabled)
		}
	}
}

// What is asked again is asked less and less often.
func TestPausesGrow(t *testing.T) {
	t.Parallel()
	again, began := retries{p: &Partition{group: &group{client: &Client{}}}}, time.Now()
	for range 5 {
		if err := again.pause(t.Context(), errors.New("x")); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); took < 31*firstPause/2 || again.wait > longestPause {
		t.Errorf("five pauses took %v, the last about %v", took, again.wait)
	}
}

// TestWhoWaitsForABrokerSaysSo, once that is more than passes by itself.
func TestWhoWaitsForABrokerSaysSo(t *testing.T) {
	t.Parallel()
	var refuses atomic.Bool
	c, _ := refusing(t, int16(kmsg.OffsetCommit), 1<<30, func(r kmsg.Request) kmsg.Response {
		if !refuses.Load() {
			return nil
		}
		q := r.(*kmsg.OffsetCommitRequest)
		out := q.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, topic := range q.Topics {
			answer := kmsg.OffsetCommitResponseTopic{Topic: topic.Topic}
			for _, p := range topic.Partitions {
				answer.Partitions = append(answer.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition, ErrorCode: int16(kafka.ErrNotEnoughReplicas)})
			}
			out.Topics = append(out.Topics, answer)
		}
		return out
	})
	type retried struct {
		err   error
		pause time.Duration
	}
	told, ended := make(chan retried, 100), make(chan error, 1)
	stop := member(t, c, Group{Name: "g", Topics: []string{"t"},
		Retried: func(_ *Partition, err error, pause time.Duration) { told <- retried{err, pause} },
		Own: func(ctx context.Context, p *Partition) error {
			refuses.Store(true)
			ended <- p.Commit(ctx, Mark{Offset: 1})
			<-p.Stopped()
			return nil
		}})
	select {
	case now := <-told:
		if !Outside(now.err) || now.pause == 0 {
			t.Errorf("%v, in %v", now.err, now.pause)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits without a word")
	}
	refuses.Store(false)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var last retried
	for len(told) > 0 {
		last = <-told
	}
	if last.err != nil || last.pause != 0 {
		t.Errorf("it does not say that it is over: %+v", last)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A broker that does not answer in time is away, whoever set the time.
func TestADeadlineOfOurOwn(t *testing.T) {
	t.Parallel()
	c := &Client{Config: Config{Brokers: []string{"127.0.0.1:1"}}}
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.IDs(t.Context(), []string{"t"}); !Outside(err) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = (&Producer{}).retry(ctx, func() error { return kafka.NewError(kafka.ErrTimedOut, "", false) })
	if !Outside(err) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if err := unanswered(ctx.Err()); Outside(err) {
		t.Errorf("whoever ends it is no broker: %v", err)
	}
}
