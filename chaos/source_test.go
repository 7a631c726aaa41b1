package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// replay is a source of one file, ten pages a second.
const replay = `
  $topic:
    source: {csv: {path: "$dir/rows/*.csv", rate: $rate, key: id}}
    topic: {name: $topic, partitions: 2}
`

// grains writes n rows to a CSV file, with ids that go on from the last file's.
func (b *bed) grains(name string, n int) {
	b.t.Helper()
	var text strings.Builder
	text.WriteString("id,grp,word,check\n")
	for range n {
		fmt.Fprintf(&text, "%d,g%d,\"w,%d\",%d\n", b.sent, b.sent%5, b.sent, check(b.sent))
		b.sent++
	}
	dir := filepath.Join(b.dir, "rows")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text.String()), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// check is what the row of an id says in its last column, so that a row with another's cells is seen.
func check(id int) int64 { return int64(id) * 2654435761 % 4294967296 }

// wantTopic wants every row of the files on the topic once, to a reader of committed rows.
func (b *bed) wantTopic() {
	b.t.Helper()
	where := map[int]string{}
	for _, r := range b.rows(b.name) {
		at := fmt.Sprintf("%d:%d", r.partition, r.offset)
		for _, id := range (object{key: at, body: r.value}).ids(b.t) {
			if before, twice := where[id]; twice {
				b.t.Errorf("row %d stands at %s and at %s", id, before, at)
			}
			where[id] = at
		}
		if want := fmt.Sprintf(`"check":%d`, check((object{body: r.value}).ids(b.t)[0])); !strings.Contains(string(r.value), want) {
			b.t.Errorf("%s: %s, without %s", at, r.value, want)
		}
	}
	if len(where) != b.sent {
		b.t.Errorf("%d rows on the topic, want %d", len(where), b.sent)
	}
}

// stored counts what a reader of committed rows can see.
func (b *bed) stored() (n int64) {
	for _, end := range b.ends(b.name) {
		n += end
	}
	return n
}

func (b *bed) source(rate string) {
	b.file("connectors.yaml", strings.Replace(replay, "$rate", rate, 1))
}

// TestSourceDies kills the reader of a file before and after a page is stored, again and again.
func TestSourceDies(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"before store", "stored"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.grains("a.csv", 1200)
			b.source("1000/s")
			pages := 0
			for _, n := range []int{1, 3, 2} {
				w := b.startTo(fmt.Sprintf("%s@%d", point, n))
				await(t, point, w.stands)
				w.must("kill", w.Kill())
				if pages += n; point == "before store" {
					pages--
				}
				if got := len(b.rows(b.name)); got != 100*pages {
					t.Errorf("%d rows are on the topic after %d pages of 100", got, pages)
				}
			}
			b.drain()
			b.wantTopic()
		})
	}
}

// TestSourceDiesAtRandom kills it whenever, with transactions under way.
func TestSourceDiesAtRandom(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	b := newBed(t)
	b.grains("a.csv", 30000)
	b.grains("b.csv", 30000)
	b.source("10000/s")
	for range 5 {
		w := b.start()
		time.Sleep(200*time.Millisecond + time.Duration(random.Int64N(int64(2*time.Second))))
		w.must("kill", w.Kill())
	}
	b.drain()
	b.wantTopic()
}

// TestSourceZombie stops a reader with a page in hand until another has read on, and wants its page refused.
func TestSourceZombie(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.grains("a.csv", 3000)
	b.source("1000/s")
	zombie := b.startTo("before store@5")
	await(t, "the point", zombie.stands)
	zombie.must("pause", zombie.Pause())
	zombie.free()
	b.drain()
	zombie.must("resume", zombie.Resume())
	await(t, "the zombie to be refused", func() bool { return zombie.says("fenced by a newer instance") })
	zombie.stop()
	b.wantTopic()
}

// TestSourceTwice has two connectors of one name in two groups, so that both are sure that the file is theirs: the later one fences
// the earlier, and their rows are one another's continuation.
func TestSourceTwice(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.grains("a.csv", 4000)
	b.source("1000/s")
	b.file("other.yaml", strings.Replace(replay, "$rate", "1000/s", 1)+"    group: $topic-other\n")
	first := b.start()
	await(t, "the first rows", func() bool { return b.topics()[b.name] && b.stored() > 0 })
	second := b.start("other.yaml")
	await(t, "the first to be fenced", func() bool { return first.says("another worker has taken this over") })
	await(t, "all rows", func() bool { return b.stored() > int64(b.sent) && len(b.rows(b.name)) >= b.sent })
	first.stop()
	second.stop()
	b.drain()
	b.wantTopic()
}

// TestStopEarly tells a worker to end at every moment of its start.
func TestStopEarly(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.grains("a.csv", 10)
	b.file("connectors.yaml", replace(pipeline, "$rate", ""))
	b.drain()
	for wait := time.Duration(0); wait < 500*time.Millisecond; wait += 70 * time.Millisecond {
		w := b.start()
		await(t, "its log", func() bool { return w.log() != "" })
		time.Sleep(wait)
		w.stop()
	}
	b.judge()
}

// TestDrainWaitsForOthers has one worker drain while another still reads a file of its own.
func TestDrainWaitsForOthers(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	for i := range 6 {
		b.grains(fmt.Sprintf("%d.csv", i), 1000)
	}
	b.source("500/s")
	b.file("fast.yaml", strings.Replace(replay, "$rate", "100000/s", 1))
	slow := b.start()
	await(t, "the first rows", func() bool { return b.topics()[b.name] && b.stored() > 0 })
	fast := b.start("--drain", "fast.yaml")
	fast.ends(0)
	if got := len(b.rows(b.name)); got != b.sent {
		t.Errorf("it drained, and %d of %d rows are on the topic", got, b.sent)
	}
	slow.stop()
	b.wantTopic()
}

// spoil adds a row that is none after every hundredth of a file.
func (b *bed) spoil(name string) map[string]bool {
	b.t.Helper()
	path := filepath.Join(b.dir, "rows", name)
	text, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	bad := map[string]bool{}
	var all strings.Builder
	for i, line := range strings.SplitAfter(string(text), "\n") {
		if all.WriteString(line); i%100 == 99 {
			row := fmt.Sprintf("%s %d,too,short", name, i)
			bad[row] = true
			all.WriteString(row + "\n")
		}
	}
	if err := os.WriteFile(path, []byte(all.String()), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return bad
}
