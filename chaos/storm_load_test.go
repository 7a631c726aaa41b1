package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The topics of a round, after its name. Rows of -mix and -wide come from a producer, those of -csv from a source.
const (
	mixTopic  = "-mix"  // one in a hundred is bad, some are in transactions that are aborted
	wideTopic = "-wide" // a kilobyte each
	csvTopic  = "-csv"
)

// load is what a producer does all through a round. Its rows' ids are the keys of their records.
type load struct {
	r       *round
	cl      *kgo.Client
	sent    map[string]int // by topic
	aborted int            // transactions

	mu     sync.Mutex
	failed error
}

// grain is the value of a row of -mix, of which one in a hundred is bad: it is no JSON, or a column is not what it is declared to be.
func grain(id int) []byte {
	row := fmt.Sprintf(`{"id":%d,"grp":"g%d","word":"w,%d","check":%d}`, id, id%3, id, check(id))
	switch id % 200 {
	case 37:
		return []byte(row[:len(row)-5])
	case 137:
		return []byte(strings.Replace(row, `"check":`, `"check":"no number ","was":`, 1))
	}
	return []byte(row)
}

// wideGrain is the value of a row of -wide.
func wideGrain(id int) []byte {
	return fmt.Appendf(nil, `{"id":%d,"grp":"p%d","word":"w,%d","check":%d,"pad":"%s"}`, id, id%1000, id, check(id), strings.Repeat("abcdefghij", 95))
}

// run produces until ctx is done, a few times a second.
func (l *load) run(ctx context.Context) {
	wide := *stormRate / 30
	if l.r.large() { // that there is a file of many parts while a trouble waits for one
		wide = *stormRate / 15
	}
	for tick := 0; ctx.Err() == nil; tick++ {
		began := time.Now()
		l.produce(mixTopic, *stormRate/10, grain)
		l.produce(wideTopic, wide, wideGrain)
		if tick%20 == 7 {
			l.abort(ctx, tick)
		}
		time.Sleep(time.Until(began.Add(100 * time.Millisecond)))
	}
	if err := l.cl.Flush(context.Background()); err != nil {
		l.fail(err)
	}
}

func (l *load) produce(topic string, n int, value func(int) []byte) {
	first := l.sent[topic]
	l.sent[topic] += n
	for id := first; id < first+n; id++ {
		record := &kgo.Record{Topic: l.r.name + topic, Partition: int32(id / 50), Key: fmt.Append(nil, id), Value: value(id)}
		l.cl.Produce(context.Background(), record, func(_ *kgo.Record, err error) { l.fail(err) })
	}
}

// abort stores rows that nobody may ever see: their ids are negative.
func (l *load) abort(ctx context.Context, tick int) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(l.r.brokers, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.TransactionalID(fmt.Sprintf("%s-%d", l.r.name, tick)), kgo.TransactionTimeout(10*time.Second))
	if err != nil {
		l.fail(err)
		return
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second) // a broker may be away: then it aborts the transaction itself
	defer cancel()
	if cl.BeginTransaction() != nil {
		return
	}
	for i := range 20 {
		id := -1 - i
		cl.Produce(ctx, &kgo.Record{Topic: l.r.name + mixTopic, Partition: int32(i) % 4, Key: fmt.Append(nil, id), Value: grain(id)}, nil)
	}
	if cl.Flush(ctx) == nil && cl.EndTransaction(ctx, kgo.TryAbort) == nil {
		l.aborted++
	}
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && l.failed == nil {
		l.failed = fmt.Errorf("the producer: %w", err)
	}
}

// csvFiles writes the files of the source, of n rows each.
func (r *round) csvFiles(files, n int) {
	r.t.Helper()
	dir := filepath.Join(r.dir, "rows")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	for f := range files {
		var text strings.Builder
		text.WriteString("id,grp,word,check\n")
		for id := f * n; id < (f+1)*n; id++ {
			fmt.Fprintf(&text, "%d,g%d,\"w,%d\",%d\n", id, id%3, id, check(id))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.csv", f)), []byte(text.String()), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

func newLoad(r *round) *load {
	turns := kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int { // as many partitions as the client knows
		return func(record *kgo.Record, n int) int { return int(record.Partition) % n }
	})
	cl := r.client(kgo.RecordPartitioner(turns), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(1_000_000),
		kgo.MetadataMinAge(500*time.Millisecond), kgo.MetadataMaxAge(time.Second), kgo.UnknownTopicRetries(-1))
	r.t.Cleanup(cl.Close)
	return &load{r: r, cl: cl, sent: map[string]int{}}
}
