package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// bed is a topic, a bucket behind a proxy and a folder of one test's own, on the parts that all tests share.
type bed struct {
	*cluster
	*bucket
	t       *testing.T
	name    string // of the bed, of its topic and of its one connector
	dir     string
	proxy   *proxy
	hooks   *crawler
	lan     *network       // of the bed's own broker, where it has one
	kafka   *parts.Cluster // that broker
	session time.Duration  // of members

	asleep  sync.WaitGroup // until all workers that sleep have been woken
	sent    int            // rows that the test has produced: their ids are 0 to sent-1
	kept    map[int]row    // where rows stood that may have left the topic since
	unheard int            // objects that stood, and the hooks had not heard of, when they were to have
	bin     string         // the penstock to run; the working tree's where it is empty
	quiet   bool           // it reports nothing of its own
	access  parts.S3Access
}

const session = 1500 * time.Millisecond // of group members

func newBed(t *testing.T) *bed {
	t.Helper()
	return newBedOn(t, parts.Kafka(t))
}

func newBedOn(t *testing.T, brokers string) *bed {
	t.Helper()
	return newBedIn(t, brokers, parts.S3(t))
}

func newBedIn(t *testing.T, brokers string, access parts.S3Access) *bed {
	t.Helper()
	name := "chaos-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	b := &bed{t: t, name: name, access: access, dir: t.TempDir(), cluster: newCluster(t, brokers), bucket: newBucket(t, access, name)}
	b.proxy = newProxy(t, access.Endpoint)
	b.proxy.access = access
	b.hooks = newCrawler(t)
	b.session = session
	t.Cleanup(func() {
		if t.Failed() && !b.quiet {
			b.report()
		}
	})
	return b
}

// report shows what stands where, for whoever has to find out why: each log's last warnings, and its end. It is short, so that what
// failed is not far above it.
func (b *bed) report() {
	for _, log := range b.logs() {
		text, _ := os.ReadFile(log)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		b.t.Logf("%s has %d lines; the last warnings:\n%s\nthe last line:\n%s", filepath.Base(log), len(lines), last(grave(lines), 3), last(lines, 1))
	}
}

// grave are the warnings and errors of a log, and what is no log.
func grave(lines []string) (all []string) {
	for _, l := range lines {
		if !strings.Contains(l, `"level":"DEBUG"`) && !strings.Contains(l, `"level":"INFO"`) {
			all = append(all, l)
		}
	}
	return all
}

func last(lines []string, n int) string { return strings.Join(lines[max(0, len(lines)-n):], "\n") }

func (b *bed) logs() []string {
	logs, _ := filepath.Glob(filepath.Join(b.dir, "penstock-*.log"))
	return logs
}

// file writes a file of connectors, in which $topic, $bucket and $glue stand for the bed's own.
func (b *bed) file(name, connectors string) {
	b.t.Helper()
	text := `kafka:
  brokers: [$kafka]
  offsets_topic: $topic-offsets
  properties: {session.timeout.ms: "$session"}
aws: {region: us-east-1, endpoint: "$s3", path_style: true}
connectors:
` + connectors
	text = strings.NewReplacer("$kafka", b.brokers, "$topic", b.name, "$bucket", b.name, "$glue", b.hooks.url, "$s3", b.proxy.url,
		"$dir", b.dir, "$session", fmt.Sprint(b.session.Milliseconds())).Replace(text)
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// simple is a connector that flushes ten rows at a time, over three paths: a, b and c in turn.
const simple = `
  $topic:
    topics: [$topic]
    sink: {s3: {bucket: $bucket, path: "{p}", format: json}}
    flush: {rows: 10, every: 1s}
`

const announced = simple + `
    after_flush: [{glue: {crawler: c, endpoint: "$glue", poll: 50ms, at_most_every: 0s}}]
`

// add produces n rows more, in a transaction if it is named.
func (b *bed) add(n int, transaction string) {
	b.t.Helper()
	values := make([][]byte, n)
	for i := range values {
		values[i] = fmt.Appendf(nil, `{"id":%d,"p":"%c"}`, b.sent, 'a'+b.sent%3)
		b.sent++
	}
	b.produce(b.name, 0, values, transaction)
}

// worker is a penstock process.
type worker struct {
	*parts.Process
	t    *testing.T
	file string // stands as long as it stands still at its point
}

func (b *bed) env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + b.access.AccessKey, "AWS_SECRET_ACCESS_KEY=" + b.access.SecretKey}
}

// binary is the penstock to run, built with these tags.
func (b *bed) binary(tags ...string) string {
	b.t.Helper()
	if b.bin != "" {
		return b.bin
	}
	if name := os.Getenv(envVariant); name != "" {
		return variantBin(b.t, name, tags...)
	}
	return parts.Penstock(b.t, tags...)
}

// start runs penstock.
func (b *bed) start(args ...string) *worker {
	b.t.Helper()
	return &worker{parts.StartPenstock(b.t, b.binary(), b.dir, b.env(), append([]string{"run", "-v"}, args...)...), b.t, ""}
}

// startTo runs a penstock that will stand still at a point.
func (b *bed) startTo(point string, args ...string) *worker {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "point")
	env := append(b.env(), "PENSTOCK_POINT="+point, "PENSTOCK_POINT_FILE="+file)
	return &worker{parts.StartPenstock(b.t, b.binary("points"), b.dir, env, append([]string{"run", "-v"}, args...)...), b.t, file}
}

// stands tells whether the worker has come to its point.
func (w *worker) stands() bool {
	_, err := os.Stat(w.file)
	return err == nil
}

func (w *worker) must(what string, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

// ends waits for the worker to end by itself, and wants this exit code.
func (w *worker) ends(code int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	got, err := w.Wait(ctx)
	w.must("end", err)
	if got != code {
		w.t.Fatalf("exit code %d, want %d", got, code)
	}
}

// stop asks the worker to end, and wants it to do so in order.
func (w *worker) stop() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	w.must("stop", w.Stop(ctx))
	w.ends(0)
}

// says tells whether the worker's log holds text.
func (w *worker) says(text string) bool {
	log, err := os.ReadFile(w.Log())
	return err == nil && strings.Contains(string(log), text)
}

// await polls until it is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}

// drain runs penstock until all is flushed.
func (b *bed) drain(args ...string) *worker {
	b.t.Helper()
	w := b.start(append([]string{"--drain"}, args...)...)
	w.ends(0)
	return w
}

// group is the consumer group of the bed's one connector.
func (b *bed) group() string { return "connect-" + b.name }

func (b *bed) remembered() mark {
	b.t.Helper()
	return b.committed(b.group(), b.name, 0)
}

// wantMark compares what the group remembers of the one partition.
func (b *bed) wantMark(offset, plan, owed int64) {
	b.t.Helper()
	m := b.remembered()
	got := int64(-1)
	if m.Owed != nil {
		got = *m.Owed
	}
	if m.offset != offset || m.End != plan || got != owed {
		b.t.Errorf("the group remembers %v, want (%d, plan %d, owed %d)", m, offset, plan, owed)
	}
	if m.Topic == "" || m.Layout == "" {
		b.t.Errorf("the metadata %q names no topic or no layout", m.text)
	}
}

// wantObjects compares the objects, as path/first [from,until).
func (b *bed) wantObjects(want ...string) {
	b.t.Helper()
	var got []string
	for _, o := range b.objects("") {
		if name := fmt.Sprintf("%s/%s+0+%020d.json", filepath.Dir(o.key), b.name, o.first()); name != o.key {
			b.t.Errorf("object %s, want it called %s", o.key, name)
		}
		got = append(got, fmt.Sprintf("%s/%d [%d,%d)", filepath.Dir(o.key), o.first(), o.from, o.until))
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		b.t.Errorf("objects\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// free lets the worker leave its point.
func (w *worker) free() {
	if w.file != "" {
		os.Remove(w.file)
	}
}

func (w *worker) log() string {
	text, err := os.ReadFile(w.Log())
	w.must("log", err)
	return string(text)
}

func replace(text, old, with string) string { return strings.ReplaceAll(text, old, with) }
