package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// envSeed repeats a run's random choices; which of them meets what is up to the machine. envRounds makes a run longer.
const (
	envSeed   = "PENSTOCK_CHAOS_SEED"
	envRounds = "PENSTOCK_CHAOS_ROUNDS"
)

func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(envSeed); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s=%d", envSeed, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// pipeline is a source and two sinks in one file: every row is on the topic once, and once in the files of each sink.
const pipeline = `
  $topic:
    source: {csv: {path: "$dir/rows/*.csv", key: id$rate}}
    topic: {name: $topic, partitions: 3}
  $topic-json:
    topics: [$topic]
    sink: {s3: {bucket: $bucket, prefix: json, path: "{grp}", format: json}}
    flush: {every: 200ms}
  $topic-parquet:
    topics: [$topic]
    schema: {columns: {id: int64, grp: string, word: string, check: int64}}
    sink: {s3: {bucket: $bucket, prefix: parquet, path: "{grp}", format: parquet}}
    flush: {every: 200ms}
`

// rounds are kinds of trouble, of which a random one comes every few seconds, to one worker of three or to two.
var rounds = map[string][]func(*bed, **worker, *rand.Rand){
	"kills":  {(*bed).kill},
	"sleeps": {(*bed).kill, (*bed).sleep, (*bed).sleep, (*bed).quit},
}

func TestRounds(t *testing.T) {
	t.Parallel()
	for name, troubles := range rounds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			random := seeded(t)
			if name != "kills" {
				b.proxy.set(sometimes(random.Uint64()))
			}
			b.rounds(howMany(t), random, troubles)
		})
	}
}

func howMany(t *testing.T) int {
	t.Helper()
	n := 10
	if testing.Short() {
		n = 3
	}
	if text := os.Getenv(envRounds); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// TestBrokerDies kills the broker itself as well.
func TestBrokerDies(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes minutes")
	}
	parts.Kafka(t) // asks whether Kafka is installed; this test kills one of its own
	broker, err := parts.StartKafka(t.Context(), t.TempDir(), parts.KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Kill() })
	b := newBedOn(t, broker.Brokers)
	die := func(b *bed, w **worker, random *rand.Rand) {
		if err := broker.Kill(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Int64N(int64(2 * session))))
		if err := broker.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.rounds(5, seeded(t), []func(*bed, **worker, *rand.Rand){die, die, (*bed).kill})
}

// rounds runs the pipeline on three workers with n troubles, and then to its end without.
func (b *bed) rounds(n int, random *rand.Rand, troubles []func(*bed, **worker, *rand.Rand)) {
	b.t.Helper()
	for i := range 4 {
		b.grains(fmt.Sprintf("%d.csv", i), 5000*n)
	}
	b.file("slow.yaml", replace(pipeline, "$rate", ", rate: 3000/s"))
	b.file("fast.yaml", replace(pipeline, "$rate", ""))
	workers := []*worker{b.start("slow.yaml"), b.start("slow.yaml"), b.start("slow.yaml")}
	began := time.Now()
	for range n {
		if random.IntN(4) > 0 { // else they may not even have found together again
			b.awaitProgress()
		}
		time.Sleep(200*time.Millisecond + time.Duration(random.Int64N(int64(2800*time.Millisecond))))
		trouble := troubles[random.IntN(len(troubles))]
		for _, i := range random.Perm(len(workers))[:1+random.IntN(4)/2] {
			trouble(b, &workers[i], random)
		}
	}
	b.asleep.Wait()
	b.t.Logf("%d of %d rows were stored in %v of troubles", b.stored(), b.sent, time.Since(began).Round(time.Second))
	for i := range workers {
		workers[i].must("kill", workers[i].Kill())
		workers[i] = b.start("--drain", "fast.yaml")
	}
	for _, w := range workers {
		w.ends(0)
	}
	b.t.Logf("all was drained after %v", time.Since(began).Round(time.Second))
	b.judge()
	b.wantChain()
	b.proxy.set(nil) // verify gives a request up after three tries
	for _, sink := range []string{"-json", "-parquet"} {
		b.wantWhole(b.name+sink, "--file", "fast.yaml")
	}
}

// kill is kill -9, with another worker in its place at once.
func (b *bed) kill(w **worker, _ *rand.Rand) {
	b.t.Helper()
	(*w).must("kill", (*w).Kill())
	*w = b.start("slow.yaml")
}

// sleep stops a worker for about as long as its session lasts, or longer. It wakes beside whatever comes next.
func (b *bed) sleep(w **worker, random *rand.Rand) {
	b.t.Helper()
	sleeper := *w
	sleeper.must("pause", sleeper.Pause())
	b.asleep.Add(1)
	time.AfterFunc(session/2+time.Duration(random.Int64N(int64(2*session))), func() {
		defer b.asleep.Done()
		if err := sleeper.Resume(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			b.t.Error(err)
		}
	})
}

// quit ends a worker in order, with another in its place.
func (b *bed) quit(w **worker, _ *rand.Rand) {
	b.t.Helper()
	(*w).stop()
	*w = b.start("slow.yaml")
}

// sometimes is a store that fails one request in twenty, in any way.
func sometimes(seed uint64) func(*http.Request) fault {
	random := rand.New(rand.NewPCG(seed, 1))
	return func(*http.Request) fault {
		if random.IntN(20) > 0 {
			return pass
		}
		return []fault{reset, away, late}[random.IntN(3)]
	}
}

// awaitProgress waits until both sinks have gone on, or have nothing left to do: on a busy machine troubles can outlast the rows.
func (b *bed) awaitProgress() {
	b.t.Helper()
	sum := func(sink string) (n int64) {
		for p := range int32(3) {
			n += b.committed("connect-"+b.name+sink, b.name, p).offset
		}
		return n
	}
	for _, sink := range []string{"-json", "-parquet"} {
		before := sum(sink)
		began := time.Now()
		await(b.t, sink+" to go on", func() bool {
			now := sum(sink)
			return now > before || now >= int64(b.sent) && now == b.stored()
		})
		b.t.Logf("%s went on within %v", sink, time.Since(began).Round(time.Millisecond))
	}
}

// judge lets DuckDB count every row: on the topic, and in the files of each sink, where each file's rows must be those that its
// interval has on its path.
func (b *bed) judge() {
	b.t.Helper()
	dir := b.t.TempDir()
	var topic, files bytes.Buffer
	for _, r := range b.rows(b.name) {
		fmt.Fprintf(&topic, `{"part":%d,"off":%d,"value":%s}`+"\n", r.partition, r.offset, r.value)
	}
	for _, o := range b.download(dir, "") {
		fmt.Fprintf(&files, `{"file":%q,"part":%d,"first":%d,"from":%d,"until":%d,"rows":%s}`+"\n",
			filepath.Join(dir, o.key), o.partition(), o.first(), o.from, o.until, o.meta["penstock-rows"])
	}
	for name, text := range map[string][]byte{"topic.jsonl": topic.Bytes(), "files.jsonl": files.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	out, err := exec.Command(parts.Python(b.t), "judge.py", dir, strconv.Itoa(b.sent)).CombinedOutput()
	if err != nil {
		b.t.Fatalf("judge: %v\n%s", err, out)
	}
	var verdict struct {
		Wrong   []string
		Summary string
	}
	if err := json.Unmarshal(out, &verdict); err != nil {
		b.t.Fatalf("judge: %v\n%s", err, out)
	}
	b.t.Log(verdict.Summary)
	for _, w := range verdict.Wrong {
		b.t.Error(w)
	}
}
