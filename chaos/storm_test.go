package chaos

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// What TestStorm is told on its command line, which make chaos writes.
var (
	stormRounds = flag.Int("storm.rounds", 1, "rounds of TestStorm")
	stormFor    = flag.Duration("storm.for", 0, "go on until so much time has passed, in the place of storm.rounds; then the round that is under way is brought to its end")
	stormSeed   = flag.Uint64("storm.seed", 0, "what is drawn in TestStorm; 0 is another each time")
	stormStore  = flag.String("storm.store", "minio", "the S3 server of TestStorm: minio or versity")
	stormKinds  = flag.String("storm.kinds", "", "a regular expression: the faults of TestStorm whose kinds it matches, and no others")
	stormRate   = flag.Int("storm.rate", 2000, "rows a second that TestStorm produces to its first topic; a third of it to its second, two thirds where that makes large files")
	stormRecord = flag.String("storm.record", "", "a file that takes one line more with the outcome of TestStorm")
)

// toll is what a storm has come to.
type toll struct {
	At        time.Time      `json:"at"`
	Commit    string         `json:"commit"`
	Seed      uint64         `json:"seed"`
	Store     string         `json:"store"`
	Seconds   int            `json:"seconds"`
	Rounds    int            `json:"rounds"`
	Failed    int            `json:"failed"` // rounds, those too that could not be judged and count for nothing else
	Faults    int            `json:"faults"`
	Kinds     map[string]int `json:"faults_by_kind"`
	Rows      int            `json:"rows"`    // on the topics
	Written   int            `json:"written"` // by the sinks: those of a topic once for each
	Objects   int            `json:"objects"`
	Letters   int            `json:"dead_letters"`
	Lost      int            `json:"lost"`
	Doubled   int            `json:"doubled"`
	Wrong     int            `json:"wrong"` // whatever else the judges found
	Recovered recovery       `json:"recovery_seconds"`
	Idle      map[string]int `json:"met_nothing,omitempty"` // how often kinds were dealt that never met anything
	Why       []string       `json:"failures,omitempty"`    // of rounds, but for what the judges found

	took    []time.Duration
	dealt   map[string]int // what met nothing, judged or not
	chances map[string]int // where it could have
	met     map[string]bool
}

// mostChances is how often a kind may be dealt where it can meet something, and never do.
const mostChances = 3

func newToll(at time.Time, seed uint64) *toll {
	return &toll{At: at.UTC().Truncate(time.Second), Commit: head(), Seed: seed, Store: *stormStore, Kinds: map[string]int{}, Idle: map[string]int{},
		dealt: map[string]int{}, chances: map[string]int{}, met: map[string]bool{}}
}

// recovery is how long it took, from the end of a fault, until the sinks had made visible all that stood on the topics when it ended.
type recovery struct {
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// add takes a round in.
func (t *toll) add(r *round) {
	t.Rounds++
	t.Why = append(t.Why, r.why...)
	if r.t.Failed() || !r.judged {
		t.Failed++
	}
	t.meet(r)
	if !r.judged {
		return
	}
	for kind, n := range r.faults {
		t.Kinds[kind] += n
		t.Faults += n
	}
	v := r.verdict
	t.Rows, t.Written, t.Objects, t.Letters = t.Rows+v.Rows, t.Written+v.Written, t.Objects+v.Objects, t.Letters+v.Letters
	t.Lost, t.Doubled, t.Wrong = t.Lost+v.Lost, t.Doubled+v.Doubled, t.Wrong+len(v.Wrong)
	t.took = append(t.took, r.took...)
	if slices.Sort(t.took); len(t.took) > 0 {
		t.Recovered = recovery{t.took[len(t.took)/2].Seconds(), t.took[len(t.took)-1].Seconds()}
	}
}

// meet takes in which kinds have met something in a round.
func (t *toll) meet(r *round) {
	for kind := range r.faults {
		t.met[kind] = true
	}
	for _, u := range r.unmet {
		t.dealt[u.kind]++
	}
	for kind, n := range r.chances {
		t.chances[kind] += n
	}
	t.Idle = maps.Clone(t.dealt)
	maps.DeleteFunc(t.Idle, func(kind string, _ int) bool { return t.met[kind] })
}

// idlers are the kinds that a storm should have known by now: they prove nothing.
func (t *toll) idlers() (kinds []string) {
	for _, kind := range slices.Sorted(maps.Keys(t.Idle)) {
		if t.chances[kind] >= mostChances {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func (t *toll) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "storm: %d rounds (%d failed) in %d s on %s, seed %d: %d faults, %d rows written %d times into %d objects, %d dead letters\n",
		t.Rounds, t.Failed, t.Seconds, t.Store, t.Seed, t.Faults, t.Rows, t.Written, t.Objects, t.Letters)
	for _, kind := range slices.Sorted(maps.Keys(t.Kinds)) {
		fmt.Fprintf(&s, "  %4d  %s\n", t.Kinds[kind], kind)
	}
	for _, kind := range slices.Sorted(maps.Keys(t.Idle)) {
		fmt.Fprintf(&s, "     -  %s: dealt %d times, and met nothing\n", kind, t.Idle[kind])
	}
	fmt.Fprintf(&s, "lost %d, doubled %d, otherwise wrong %d; back to normal after %.1f s (median), %.1f s (at most)",
		t.Lost, t.Doubled, t.Wrong, t.Recovered.Median, t.Recovered.Max)
	for _, why := range t.Why {
		fmt.Fprintf(&s, "\n%s", why)
	}
	return s.String()
}

// TestStorm lets a storm of faults pass over a pipeline of three processes on a cluster of three brokers, round after round, and then
// counts every row. It prints its seed, from which it draws what it does; what that meets is up to the machine.
func TestStorm(t *testing.T) {
	seed := *stormSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	tell("storm: seed %d", seed)
	w := newWorld(t)
	began := time.Now()
	sum := newToll(began, seed)
	deck := newDeck(t, seed)
	more := func(n int) bool {
		if *stormFor > 0 {
			return time.Since(began) < *stormFor
		}
		return n < *stormRounds
	}
	for n := 0; more(n) && !t.Failed(); n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := newRound(t, w, rand.New(rand.NewPCG(seed, uint64(n))), n)
			defer sum.add(r)
			r.pass(deck, func() bool { return more(n) })
			for _, t := range r.unmet {
				deck.back(t)
			}
		})
	}
	sum.Seconds = int(time.Since(began).Seconds())
	tell("%v", sum)
	if *stormRecord != "" {
		sum.record(t, *stormRecord)
	}
	for _, kind := range sum.idlers() {
		t.Errorf("%s was dealt %d times where it could meet something, and never did", kind, sum.chances[kind])
	}
}

// tell prints a line at once: a storm takes minutes.
func tell(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (t *toll) record(tb testing.TB, path string) {
	tb.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		err = json.NewEncoder(f).Encode(t)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		tb.Error(err)
	}
}

// head is the commit that is tested, and whether anything but the record of storms differs from it.
func head() string {
	commit, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	differs, err := exec.Command("git", "status", "--porcelain", "--", ":/", ":!/docs/chaos.jsonl").Output()
	if err != nil || len(differs) > 0 {
		return strings.TrimSpace(string(commit)) + "-dirty"
	}
	return strings.TrimSpace(string(commit))
}
