package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// round is one pipeline from its first row to its last, with troubles between.
type round struct {
	*bed
	w      *world
	random *rand.Rand
	n      int
	load   *load
	seats  [seats]*seat
	sinks  []stormSink

	sick      sync.Mutex
	illnesses map[*int]func(*http.Request) fault // what the store does for now, all of it together

	setBacks map[string]bool // what groups were made to remember of what was before

	faults  map[string]int // by kind
	unmet   []trouble      // that met nothing
	chances map[string]int // by kind: how often one of those could have met something
	awaits  []awaited
	judged  bool
	why     []string // it has failed, in words that are said again in the end
	took    []time.Duration
	verdict verdict
}

// seat is where a worker runs: whoever sits there has the same way to the brokers and the same folder for scratch files.
type seat struct {
	*worker
	scratch string
	env     []string
	busy    bool // in trouble
}

// stormSink is one sink of the pipeline, as the judge has to know it.
type stormSink struct {
	Name   string `json:"name"`   // of the connector, after the round's: also of its folder in the bucket
	Topic  string `json:"topic"`  // after the round's name
	Format string `json:"format"` // the files' ending
	Typed  bool   `json:"typed"`  // a column of another type than declared makes a row bad
	Dead   bool   `json:"dead"`   // bad rows are dead letters; else they are skipped
	With   bool   `json:"with"`   // rows carry their partition and offset
	Prompt bool   `json:"-"`      // what comes is visible within a second
	Hooks  bool   `json:"-"`      // it has a crawler of its name

	options string
}

// theSinks are those of a round: rows by the hundred in small files, rows of a declared type, and a thousand paths or large files.
func theSinks(with, dead, large bool) []stormSink {
	all := []stormSink{
		{Name: "replayed", Topic: csvTopic, Format: ".json", With: with, Prompt: true, Hooks: true,
			options: `sink: {s3: {bucket: $bucket, prefix: replayed, path: "{grp}", format: json$with}}, flush: {every: 2s}, $glue`},
		{Name: "lines", Topic: mixTopic, Format: ".json", Dead: true, With: with, Prompt: true, Hooks: true,
			options: `sink: {s3: {bucket: $bucket, prefix: lines, path: "{grp}", format: json$with}}, flush: {every: 200ms}, errors: {on_bad_record: dead_letter, topic: $name-lines-dead}, $glue`},
		{Name: "typed", Topic: mixTopic, Format: ".parquet", Typed: true, Dead: dead, With: with, Prompt: true,
			options: `sink: {s3: {bucket: $bucket, prefix: typed, path: "{grp}", format: parquet$with}}, flush: {rows: 4000, every: 2s}, schema: {columns: {id: int64, grp: string, word: string, check: int64}}, errors: $typed`},
		{Name: "paths", Topic: wideTopic, Format: ".gz", With: with,
			options: `sink: {s3: {bucket: $bucket, prefix: paths, path: "{grp}", format: {json: {compression: gzip}}$with}}, flush: {every: 12s}`},
	}
	if large {
		all[3] = stormSink{Name: "large", Topic: wideTopic, Format: ".json", With: with,
			options: `sink: {s3: {bucket: $bucket, prefix: large, path: "all", format: json$with}}, flush: {bytes: 36MiB, every: 1m}`}
	}
	return all
}

const (
	stormSession = 3 * time.Second
	csvSplits    = 6
	csvRows      = 40_000 // of each
)

// yaml is the file of the pipeline.
func (r *round) yaml(rate string) string {
	var s strings.Builder
	s.WriteString(`kafka:
  brokers: ["${env:STORM_BROKERS}"]
  offsets_topic: $name-offsets
  state_topic: $name-state
  properties: {session.timeout.ms: "$session", heartbeat.interval.ms: "500", max.poll.interval.ms: "30000", topic.metadata.refresh.interval.ms: "5000"}
aws: {region: us-east-1, endpoint: "$s3", path_style: true}
memory: 48MiB
connectors:
  $name-source: {source: {csv: {path: "$dir/rows/*.csv", key: id` + rate + `}}, topic: {name: $name-csv, partitions: 3}}
`)
	for _, sink := range r.sinks {
		options := replace(sink.options, "$glue", `after_flush: [{glue: {crawler: `+sink.Name+`, endpoint: "$glue", poll: 100ms, at_most_every: 2s}}]`)
		fmt.Fprintf(&s, "  $name-%s: {topics: [$name%s], %s}\n", sink.Name, sink.Topic, options)
	}
	with, typed := "", "{on_bad_record: skip}"
	if r.sinks[0].With {
		with = ", with: [partition, offset]"
	}
	if r.sinks[2].Dead {
		typed = "{on_bad_record: dead_letter, topic: $name-typed-dead}"
	}
	return strings.NewReplacer("$with", with, "$name", r.name, "$session", fmt.Sprint(stormSession.Milliseconds()), "$s3", r.proxy.url,
		"$dir", r.dir, "$bucket", r.name, "$typed", replace(typed, "$name", r.name),
		"$glue", r.hooks.url).Replace(s.String())
}

func newRound(t *testing.T, w *world, random *rand.Rand, n int) *round {
	t.Helper()
	r := &round{bed: newBedIn(t, w.Bootstrap, w.store), w: w, random: random, n: n, sinks: theSinks(random.IntN(2) == 0, random.IntN(2) == 0, random.IntN(2) == 0), setBacks: map[string]bool{}, faults: map[string]int{}, chances: map[string]int{}, illnesses: map[*int]func(*http.Request) fault{}}
	r.replicas, r.quiet = 3, true
	t.Cleanup(r.keep)
	r.proxy.set(r.ills)
	r.make(r.name+mixTopic, 4)
	r.make(r.name+wideTopic, 1)
	r.csvFiles(csvSplits, csvRows)
	direct := strings.Replace(r.yaml(""), "${env:STORM_BROKERS}", w.Bootstrap, 1)
	for name, text := range map[string]string{"slow.yaml": r.yaml(", rate: 200/s"), "fast.yaml": r.yaml(""), "direct.yaml": direct} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range r.seats {
		scratch := parts.SmallFolder(t, 192<<20) // the rows of a large file, the file, and what comes meanwhile
		r.seats[i] = &seat{scratch: scratch, env: append(r.env(), "TMPDIR="+scratch, "STORM_BROKERS="+w.Routes[i])}
	}
	return r
}

// pass lets a storm pass: rows come all the time, troubles now and then, as long as there may be more.
func (r *round) pass(deck *deck, more func() bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.load = newLoad(r)
	var producing sync.WaitGroup
	producing.Go(func() { r.load.run(ctx) })
	began := time.Now()
	for _, s := range r.seats[:seats-1] {
		r.sit(s)
	}
	well := r.weather(deck, more)
	cancel()
	producing.Wait()
	if r.load.failed != nil {
		r.t.Fatal(r.load.failed)
	}
	troubled := time.Since(began)
	r.endAll(well)
	r.awaitSettled(r.name + mixTopic)
	r.drainAll()
	drained := time.Since(began) - troubled
	r.verdict, r.judged = r.judgeStorm(), true
	v := r.verdict
	tell("storm: round %d: %d rows, %d objects, lost %d, doubled %d, wrong %d; %v of troubles, drained in %v, judged in %v; recovered after %v", r.n, v.Rows, v.Objects,
		v.Lost, v.Doubled, len(v.Wrong), troubled.Round(time.Second), drained.Round(time.Second), (time.Since(began) - troubled - drained).Round(time.Second), seconds(r.took))
}

// weather deals troubles by the hand. It ends early, and the round has failed, where not all is well after one.
func (r *round) weather(deck *deck, more func() bool) (well bool) {
	r.t.Helper()
	if _, calm := r.awaitCalm("the first rows"); !calm {
		return false
	}
	for _, troubles := range r.hands(deck) {
		if !more() {
			break
		}
		r.suffer(troubles)
		took, calm := r.awaitCalm(names(troubles))
		if !calm || !r.wantAlive() {
			return false
		}
		r.took = append(r.took, took)
		if testing.Verbose() {
			tell("storm: %s: recovered after %.1f s", names(troubles), took.Seconds())
		}
	}
	return true
}

func seconds(all []time.Duration) (out []string) {
	for _, d := range all {
		out = append(out, fmt.Sprintf("%.1fs", d.Seconds()))
	}
	return out
}

// sit starts a worker on a seat.
func (r *round) sit(s *seat, args ...string) {
	r.t.Helper()
	if len(args) == 0 {
		args = []string{"slow.yaml"}
	}
	s.worker = &worker{parts.StartPenstock(r.t, r.binary(), r.dir, s.env, append([]string{"run", "-v"}, args...)...), r.t, ""}
}

// free draws a seat with a worker that is in no trouble yet, nil where all are, and puts it into trouble.
func (r *round) free() *seat {
	for _, i := range r.random.Perm(seats) {
		if s := r.seats[i]; s.worker != nil && !s.busy {
			s.busy = true
			return s
		}
	}
	return nil
}

// wantAlive wants no worker to have ended but those that were told to, and says whether that is so.
func (r *round) wantAlive() bool {
	r.t.Helper()
	for _, s := range r.seats {
		if s.worker == nil {
			continue
		}
		select {
		case <-s.Done():
			r.fails("a worker has ended by itself:\n%s", s.Tail(20))
			return false
		default:
		}
	}
	return true
}

// suffer begins troubles one after the other, lets them last, and ends them in some order. Those come first that wait for something.
func (r *round) suffer(troubles []trouble) {
	r.t.Helper()
	type begun struct {
		trouble
		end func() bool
	}
	var all []begun
	var longest time.Duration
	first, then := slices.Clone(troubles), slices.Clone(troubles)
	first = slices.DeleteFunc(first, func(t trouble) bool { return t.needs != health })
	then = slices.DeleteFunc(then, func(t trouble) bool { return t.needs == health })
	for i, t := range slices.Concat(first, then) {
		if i == len(first) {
			r.awaitAll()
		}
		end, lasts := t.begin(r)
		if end == nil { // there was nobody left to suffer it
			r.unmet = append(r.unmet, t)
			continue
		}
		all = append(all, begun{t, end})
		longest = max(longest, lasts)
		r.pause(0, 700*time.Millisecond)
	}
	r.awaitAll()
	time.Sleep(longest)
	for _, i := range r.random.Perm(len(all)) {
		if all[i].end() {
			r.faults[all[i].kind]++
		} else {
			r.unmet = append(r.unmet, all[i].trouble)
			r.chances[all[i].kind]++
		}
	}
	for _, s := range r.seats {
		s.busy = false
	}
}

// large tells whether there are files of many parts.
func (r *round) large() bool { return r.sinks[3].Name == "large" }

// pause waits for a time that is drawn.
func (r *round) pause(least, most time.Duration) {
	time.Sleep(least + time.Duration(r.random.Int64N(int64(most-least)+1)))
}

// endAll ends every worker: in order or not where all is well, and else not.
func (r *round) endAll(well bool) {
	r.t.Helper()
	for _, s := range r.seats {
		if s.worker == nil {
			continue
		}
		if well && r.random.IntN(2) == 0 {
			r.stopOrKill(s)
			if code, _ := s.Wait(r.t.Context()); code != 0 {
				r.fails("a worker that is told to end, when all is well: exit code %d\n%s", code, s.Tail(5))
			}
		} else {
			s.must("kill", s.Kill())
		}
		s.worker = nil
	}
}

// drainAll has new workers finish the work.
func (r *round) drainAll() {
	r.t.Helper()
	for _, s := range r.seats[:seats-1] {
		r.sit(s, "--drain", "fast.yaml")
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 3*time.Minute)
	defer cancel()
	for _, s := range r.seats[:seats-1] {
		if code, err := s.Wait(ctx); err != nil || code != 0 {
			r.fails("a worker that drains: exit code %d, %v\n%s", code, err, s.Tail(5))
			r.t.FailNow()
		}
	}
}

// fails says what has failed at once, and again in the end.
func (r *round) fails(format string, args ...any) {
	r.t.Helper()
	why := fmt.Sprintf("round %d: "+format, append([]any{r.n}, args...)...)
	r.t.Error(why)
	r.why = append(r.why, why)
}

// stopOrKill asks a worker to end, and kills it where it takes too long, as a service manager does.
func (r *round) stopOrKill(s *seat) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 40*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		r.t.Logf("%v", err)
	}
}

// dump has the workers end, and write down what each goroutine was doing. It gives the last warnings before that.
func (r *round) dump() string {
	var said []string
	for _, s := range r.seats {
		if s != nil && s.worker != nil {
			said = append(said, last(grave(strings.Split(s.Tail(2000), "\n")), 4))
			_ = syscall.Kill(s.Pid(), syscall.SIGQUIT) // or it has ended
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, _ = s.Wait(ctx)
			cancel()
		}
	}
	return strings.Join(said, "\n")
}

// keep puts the logs of a round that failed where they can be read.
func (r *round) keep() {
	if !r.t.Failed() {
		return
	}
	dir, err := os.MkdirTemp("", fmt.Sprintf("storm-%d-", r.n))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, log := range append(r.logs(), filepath.Join(r.dir, "slow.yaml")) {
		text, err := os.ReadFile(log)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(log)), text, 0o600)
		}
		if err != nil {
			r.t.Error(err)
		}
	}
	r.t.Logf("the logs are kept in %s", dir)
}
