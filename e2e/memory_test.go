package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock/penstock/parts"
)

// One flush of a million rows over a thousand open paths, in either format: it ends, each row stands once, and the process stays
// within bounds.
func TestOneLargeFlushOverManyPaths(t *testing.T) {
	topic := fmt.Sprintf("wide-%x", time.Now().UnixNano())
	load(t, topic, 1, wideRows, wideRow)
	for _, tt := range []struct{ format, read string }{
		{"json", "read_json('%s/**/*.json', hive_partitioning=true)"},
		{"parquet", "read_parquet('%s/**/*.parquet', hive_partitioning=true)"},
	} {
		t.Run(tt.format, func(t *testing.T) {
			l := newLimited(t, topic, tt.format)
			if flushes := l.drain(`path: "index={Index}", format: `+tt.format, "256MiB", 400); flushes != 1 {
				t.Errorf("%d flushes, want one", flushes)
			}
			made := must(l.bucket.fetch(t.Context(), ""))(t)
			if len(made) != widePaths {
				t.Errorf("%d objects, want %d", len(made), widePaths)
			}
			files := t.TempDir()
			made.save(t, files)
			wantWide(t, fmt.Sprintf(tt.read, files))
		})
	}
}

// As many rows in 64 partitions: what is fetched ahead of each, and what each holds while it is read, stay within the same bounds.
func TestManyPartitions(t *testing.T) {
	topic := fmt.Sprintf("parted-%x", time.Now().UnixNano())
	load(t, topic, 64, wideRows, wideRow)
	l := newLimited(t, topic, "parquet")
	l.drain("path: all, format: parquet", "256MiB", 400)
	files := t.TempDir()
	must(l.bucket.fetch(t.Context(), ""))(t).save(t, files)
	wantWide(t, fmt.Sprintf("read_parquet('%s/**/*.parquet')", files))
}

// limited is a sink of one topic, in a process whose memory is limited.
type limited struct {
	t      *testing.T
	topic  string
	bucket *bucket
}

func newLimited(t *testing.T, topic, name string) *limited {
	l := &limited{t: t, topic: topic, bucket: newBucket(parts.S3(t), topic+"-"+name)}
	must(l.bucket.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &l.bucket.name}))(t)
	return l
}

// drain flushes the topic, and wants the process to have stayed below so many megabytes, and to leave nothing behind.
func (l *limited) drain(sink, memory string, most int64) (flushes int) {
	l.t.Helper()
	dir := l.t.TempDir()
	began, run := time.Now(), startSink(l.t, dir, l.bucket, l.topic, sink, "bytes: 1GiB, every: 10m", memory, "--drain")
	peak := peakMemory(l.t, run) / 1_000_000
	said := ends(l.t, run, 0, time.Second)
	if l.t.Logf("%d MB at most, in %.1f s", peak, time.Since(began).Seconds()); peak > most {
		l.t.Errorf("it took %d MB of memory, above %d", peak, most)
	}
	if left := must(os.ReadDir(dir))(l.t); len(left) != 2 {
		l.t.Errorf("it leaves %v, not its log and its file alone", left)
	}
	uploads := must(l.bucket.client.ListMultipartUploads(l.t.Context(), &s3.ListMultipartUploadsInput{Bucket: &l.bucket.name}))(l.t)
	if len(uploads.Uploads) > 0 {
		l.t.Errorf("%d uploads are left", len(uploads.Uploads))
	}
	return strings.Count(said, `"msg":"flushed"`)
}

// startSink runs one sink of a topic into a bucket. Whatever it writes on this machine is in dir.
func startSink(t *testing.T, dir string, b *bucket, topic, sink, flush, memory string, args ...string) *parts.Process {
	t.Helper()
	access := parts.S3(t)
	config := fmt.Sprintf(`kafka: {brokers: [%q]}
aws: {region: us-east-1, endpoint: %q, path_style: true}
memory: %s
connectors:
  %s:
    topics: [%s]
    sink: {s3: {bucket: %s, %s}}
    flush: {%s}
`, parts.Kafka(t), access.Endpoint, memory, b.name, topic, b.name, sink, flush)
	if err := os.WriteFile(filepath.Join(dir, "connectors.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"AWS_ACCESS_KEY_ID=" + access.AccessKey, "AWS_SECRET_ACCESS_KEY=" + access.SecretKey, "TMPDIR=" + dir}
	return parts.StartPenstock(t, parts.Penstock(t), dir, env, append([]string{"run", "-v"}, args...)...)
}

// load makes a topic of so many partitions and rows.
func load(t *testing.T, topic string, partitions int32, rows int, row func(n int) []byte) {
	t.Helper()
	client := must(kgo.NewClient(kgo.SeedBrokers(parts.Kafka(t)), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.MaxBufferedRecords(20_000)))(t)
	defer client.Close()
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}}
	must(create.RequestWith(t.Context(), client))(t)
	for n := range rows {
		client.Produce(t.Context(), &kgo.Record{Value: row(n)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const (
	wideRows  = 1_000_000
	widePaths = 1000
)

// wideRow has 174 bytes. It says which one it is in all of its numbers.
func wideRow(n int) []byte {
	at := strconv.Itoa(n + 1_000_000)
	return fmt.Appendf(nil, `{"Index":"I%03d","Date":"1987-06-09","Open":%s.25,"High":%s.5,"Low":%s.125,"Close":%s.75,"Adj Close":%s.625,"Volume":%s.0,"CloseUSD":%s.375}`,
		n%widePaths, at, at, at, at, at, at, at)
}

// wantWide has DuckDB look for every wideRow, once, where it belongs and as it was.
func wantWide(t *testing.T, files string) {
	t.Helper()
	const script = `import duckdb, sys
duckdb.sql("set enable_progress_bar = false")
print(*duckdb.sql(f"""select count(*), count(distinct Volume), count(*) filter (
  Volume between 1000000 and 1999999 and "Index" = 'I' || lpad((Volume::bigint % 1000)::varchar, 3, '0') and Date::date = date '1987-06-09'
  and Open = Volume + .25 and High = Volume + .5 and Low = Volume + .125 and Close = Volume + .75 and "Adj Close" = Volume + .625 and CloseUSD = Volume + .375)
  from {sys.argv[1]}""").fetchall()[0])`
	out, err := exec.CommandContext(t.Context(), parts.Python(t), "-c", script, files).Output()
	if want := fmt.Sprintf("%[1]d %[1]d %[1]d", wideRows); err != nil || string(bytes.TrimSpace(out)) != want {
		t.Errorf("rows, different ones, and those that are right: %s, %v; want %s", out, err, want)
	}
}

// A file of 300 MB, under memory: 64MiB: its rows and then its bytes go through scratch files, and it is uploaded in parts.
func TestAFileMuchLargerThanMemory(t *testing.T) {
	const rows = 300_000
	row := func(n int) []byte { return fmt.Appendf(nil, `{"n":%07d,"text":"%0976d"}`, n+1_000_000, n) }
	topic := fmt.Sprintf("large-%x", time.Now().UnixNano())
	load(t, topic, 1, rows, row)
	l := newLimited(t, topic, "json")
	l.drain(`path: all, format: json`, "64MiB", 250)
	made := must(l.bucket.list(t.Context(), ""))(t)
	if len(made) != 1 {
		t.Fatalf("%d objects, want one", len(made))
	}
	for key := range made {
		out := must(l.bucket.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &l.bucket.name, Key: &key}))(t)
		defer out.Body.Close()
		n := 0
		for lines := bufio.NewScanner(out.Body); lines.Scan() && !t.Failed(); n++ {
			if want := row(n); !bytes.Equal(lines.Bytes(), want) {
				t.Errorf("line %d is %.40s, want %.40s", n, lines.Bytes(), want)
			}
		}
		if n != rows || *out.ContentLength != 300_000_000 || !strings.Contains(*out.ETag, "-") {
			t.Errorf("%d rows in %d bytes, ETag %s; want %d in 300000000, in parts", n, *out.ContentLength, *out.ETag, rows)
		}
	}
}

// peakMemory waits for a process to end, for two minutes, and gives the most memory that it has had in use.
func peakMemory(t *testing.T, p *parts.Process) (most int64) {
	t.Helper()
	for late := time.After(2 * time.Minute); ; {
		most = max(most, p.Peak())
		select {
		case <-p.Done():
			return most
		case <-late:
			t.Fatalf("it has not ended; it says\n%s", p.Tail(30))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
