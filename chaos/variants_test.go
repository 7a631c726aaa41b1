package chaos

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/parts"
)

// variant is a penstock that was broken on purpose, by the diff of its name in variants, and the scenario in which it matters.
type variant struct {
	name      string
	caught    string // by this oracle
	scenario  func(*bed)
	wired     bool // on a broker of its own, to which a wire leads
	backwards bool // the scenario itself breaks the chain
}

var variants = []variant{
	{name: "clock", caught: "rows", scenario: (*bed).diesVisible},
	{name: "early-offset", caught: "rows", scenario: (*bed).diesWriting},
	{name: "schema-not-planned", caught: "rows", scenario: (*bed).diesWidening},
	{name: "unlisted-redo", caught: "rows", scenario: (*bed).diesAndIsCompacted},
	{name: "no-gate", caught: "rows", scenario: (*bed).sleepsBlind},
	{name: "no-gate", caught: "chain", scenario: (*bed).sleeps},
	{name: "no-plan", caught: "chain", scenario: (*bed).diesVisible},
	{name: "plan-clears-owed", caught: "hooks", scenario: (*bed).diesOwing},
	{name: "no-anchor", caught: "rows", scenario: (*bed).landsLate, wired: true, backwards: true},
}

// findings are what is wrong when all is over, as those see it who look at the topic, the bucket, the group's history and Glue, and share
// no code with penstock.
type findings struct {
	tally
	breaks  []string // of the chain of what the group was told
	unheard int      // objects that the hooks were to be told of and were not
}

// by is how much one oracle has found.
func (f findings) by(oracle string) int {
	return map[string]int{"rows": f.lost + f.doubled, "chain": len(f.breaks), "hooks": f.unheard}[oracle]
}

func (f findings) String() string {
	return fmt.Sprintf("%d lost, %d doubled, %d changed, %d breaks of the chain, %d unheard\n%s", f.lost, f.doubled, f.changed, len(f.breaks),
		f.unheard, strings.Join(slices.Concat(f.why, f.breaks), "\n"))
}

// TestVariants shows that the oracles can fail: each variant goes through its scenario without an error of its own, and is caught; the
// sound penstock goes through the same, and is not.
func TestVariants(t *testing.T) {
	t.Parallel()
	for _, v := range variants {
		t.Run(v.name+" by "+v.caught, func(t *testing.T) {
			t.Parallel()
			bed := newBed
			if v.wired {
				bed = wiredBeds(t)
			}
			t.Run("sound", func(t *testing.T) {
				t.Parallel()
				f := v.run(bed(t), parts.Penstock(t, "points"))
				if f.lost+f.doubled+f.changed+f.unheard > 0 || len(f.breaks) > 0 && !v.backwards {
					t.Errorf("found: %v", f)
				}
			})
			t.Run("broken", func(t *testing.T) {
				t.Parallel()
				f := v.run(bed(t), variantBin(t, v.name, "points"))
				if f.by(v.caught) == 0 {
					t.Errorf("not caught by %s; found: %v", v.caught, f)
				}
				found, _, _ := strings.Cut(f.String(), "\n")
				t.Log(found)
			})
		})
	}
}

// envVariant is a variant that all other tests run in the place of the sound penstock: those that should catch it fail.
const envVariant = "PENSTOCK_CHAOS_VARIANT"

// variantBin is the binary of a variant.
func variantBin(t testing.TB, name string, tags ...string) string {
	t.Helper()
	return parts.Variant(t, filepath.Join("variants", name+".diff"), tags...)
}

// run takes a penstock through the scenario, and then looks.
func (v variant) run(b *bed, bin string) findings {
	b.t.Helper()
	b.bin = bin
	v.scenario(b)
	b.wantQuiet()
	return findings{b.tally(b.stand()), b.breaks(), b.unheard}
}

// stand is all objects, their rows read by pyarrow where they are not JSON lines.
func (b *bed) stand() []object {
	b.t.Helper()
	if slices.ContainsFunc(b.list(""), func(key string) bool { return strings.HasSuffix(key, ".parquet") }) {
		return b.tables()
	}
	return b.objects("")
}

// wantQuiet wants that no worker has complained of more than what it can try again.
func (b *bed) wantQuiet() {
	b.t.Helper()
	for _, log := range b.logs() {
		text, err := os.ReadFile(log)
		b.must("log", err)
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, `"level":"ERROR"`) {
				b.t.Errorf("%s: %s", filepath.Base(log), line)
			}
		}
	}
}

// diesVisible kills a worker between the files and the offset of the second interval. Its heir would cut elsewhere.
func (b *bed) diesVisible() {
	w := b.at("visible@2")
	w.must("kill", w.Kill())
	b.drain("heir.yaml")
}

// at brings a worker of the simple connector to a point.
func (b *bed) at(point string) *worker {
	b.t.Helper()
	b.make(b.name, 1)
	b.add(25, "")
	b.file("connectors.yaml", simple)
	b.file("heir.yaml", replace(simple, "rows: 10", "rows: 7"))
	return b.standing(point)
}

// diesWriting kills a worker whose second interval is on its way to the store.
func (b *bed) diesWriting() {
	b.make(b.name, 1)
	b.add(25, "")
	b.file("connectors.yaml", simple)
	w := b.stuck(hold, 10)
	w.must("kill", w.Kill())
	await(b.t, "the proxy to notice", b.proxy.idle)
	b.proxy.release()
	b.drain()
}

// diesWidening kills a worker that has planned an interval whose rows would be bad under the version of the schema that follows: a
// member that is null is no column, and one that differs from a column in letter case alone is refused.
func (b *bed) diesWidening() {
	b.make(b.name, 1)
	b.addTo(0, 10, `,"Late":null`)
	slow := replace(strings.Replace(inferred, "$new", "add", 1), "every: 1s", "every: 1m") + "    errors: {on_bad_record: skip}\n"
	b.file("slow.yaml", slow)
	b.file("connectors.yaml", replace(slow, "every: 1m", "every: 1s"))
	w := b.startTo("planned", "slow.yaml")
	await(b.t, "the first version", func() bool { return len(b.versions()) == 1 })
	b.addTo(0, 15, `,"late":true`)
	await(b.t, "the plan of what comes before it", w.stands)
	await(b.t, "the second version", func() bool { return len(b.versions()) == 2 })
	w.must("kill", w.Kill())
	b.drain()
}

// sleeps has a worker sleep through its session before its plan, join its group again, and go on where it was, when its heir has long
// cut the same rows otherwise.
func (b *bed) sleeps() {
	zombie := b.at("before plan@2")
	zombie.must("pause", zombie.Pause())
	heir := b.start("heir.yaml")
	await(b.t, "the heir to finish", func() bool { return b.remembered().offset == 25 })
	zombie.must("resume", zombie.Resume())
	again := func() bool { return b.settled(b.group(), 2) }
	await(b.t, "the zombie to be a member again", again)
	time.Sleep(session) // one that had not heard so would be no member any more
	await(b.t, "the zombie to be one still", again)
	zombie.free()
	zombie.stop()
	heir.stop()
	b.drain("heir.yaml")
}

// sleepsBlind is the same on a store that replaces what stands, though it is asked not to.
func (b *bed) sleepsBlind() {
	b.proxy.set(func(r *http.Request) fault {
		if r.Method == http.MethodPut && r.Header.Get("If-None-Match") != "" {
			key := strings.TrimPrefix(r.URL.Path, "/"+b.name+"/")
			if _, err := b.s3.DeleteObject(b.t.Context(), &s3.DeleteObjectInput{Bucket: &b.bucket.name, Key: &key}); err != nil {
				b.t.Error(err)
			}
		}
		return pass
	})
	b.sleeps()
}

// diesOwing kills a worker that has planned its second interval while the hooks have not heard of the first. Its heir finds a store that
// does not take the second: the hooks have to hear of the first for all that.
func (b *bed) diesOwing() {
	b.hooks.busy.Store(true)
	w := b.bring("planned@2", pass, 0)
	w.must("kill", w.Kill())
	b.hooks.busy.Store(false)
	heir := b.stuck(hold, 10)
	for end := time.Now().Add(5 * time.Second); len(b.hooks.crawls()) == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if len(b.hooks.crawls()) == 0 {
		b.unheard = len(b.list(""))
	}
	b.proxy.release()
	heir.stop()
	b.drain()
}

// diesAndIsCompacted kills a worker whose second interval stands and is not committed; then two of its rows, each the first of its
// file, are compacted away.
func (b *bed) diesAndIsCompacted() {
	b.make(b.name, 1, "cleanup.policy=compact", "segment.ms=100", "min.cleanable.dirty.ratio=0.001")
	for key := range 25 {
		b.update(key)
	}
	b.file("connectors.yaml", simple)
	w := b.standing("visible@2")
	w.must("kill", w.Kill())
	b.keep()
	b.update(10)
	b.update(12)
	b.keep()
	await(b.t, "the compaction", func() bool {
		time.Sleep(200 * time.Millisecond)
		b.update(100 + b.sent) // of a segment of its own, so that those before it may be compacted
		b.keep()
		return !slices.ContainsFunc(b.rows(b.name), func(r row) bool { return r.offset == 10 || r.offset == 12 })
	})
	b.drain()
}

// update produces one more row, under a key.
func (b *bed) update(key int) {
	b.t.Helper()
	value := fmt.Appendf(nil, `{"id":%d,"p":"%c"}`, b.sent, 'a'+b.sent%3)
	b.sent++
	b.must("update", b.cl.ProduceSync(b.t.Context(), &kgo.Record{Topic: b.name, Key: strconv.AppendInt(nil, int64(key), 10), Value: value}).FirstErr())
}
