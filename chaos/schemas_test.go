package chaos

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// inferred is a connector whose columns nobody declares.
const inferred = `
  $topic:
    topics: [$topic]
    schema: {new: $new}
    sink: {s3: {bucket: $bucket, path: "{p}", format: parquet}}
    flush: {rows: 50, every: 1s}
`

// addTo produces n rows more, with these further members, to a partition.
func (b *bed) addTo(partition int32, n int, members string) {
	b.t.Helper()
	values := make([][]byte, n)
	for i := range values {
		values[i] = fmt.Appendf(nil, `{"id":%d,"p":"%c"%s}`, b.sent, 'a'+b.sent%3, members)
		b.sent++
	}
	b.produce(b.name, partition, values, "")
}

// versions is all that was ever written as a version of the bed's topic, by number.
func (b *bed) versions() map[string][]string {
	b.t.Helper()
	all := map[string][]string{}
	b.read("penstock-state", func(r *kgo.Record) {
		if n, ok := strings.CutPrefix(string(r.Key), fmt.Sprintf("schema/%s/%s/", b.name, b.name)); ok {
			all[n] = append(all[n], string(r.Value))
		}
	})
	return all
}

// wantVersions wants so many, each written once.
func (b *bed) wantVersions(n int) {
	b.t.Helper()
	all := b.versions()
	for i := range n {
		if got := all[fmt.Sprint(i+1)]; len(got) != 1 {
			b.t.Errorf("version %d was written %d times: %q", i+1, len(got), got)
		}
	}
	if len(all) != n {
		b.t.Errorf("there are versions %q, want %d", all, n)
	}
}

// wantColumns wants the files of each version to have its columns, of which each has those before it and some more, and gives the
// files.
func (b *bed) wantColumns(versions ...string) []object {
	b.t.Helper()
	objects := b.tables()
	seen := map[string]bool{}
	for _, o := range objects {
		v := o.meta["penstock-schema"]
		seen[v] = true
		var n int
		if fmt.Sscan(v, &n); n < 1 || n > len(versions) || strings.Join(o.columns, ", ") != strings.Join(versions[:n], ", ") {
			b.t.Errorf("%v is of version %s, its columns are %q", o, v, o.columns)
		}
	}
	if len(seen) != len(versions) {
		b.t.Errorf("there are files of the versions %v, want all %d", seen, len(versions))
	}
	return objects
}

// awaitEnd waits until all that is on the topic is committed.
func (b *bed) awaitEnd() {
	b.t.Helper()
	for p, end := range b.ends(b.name) {
		await(b.t, fmt.Sprintf("the end of partition %d", p), func() bool { return b.committed(b.group(), b.name, p).offset == end })
	}
}

// TestSchemaIsPinnedOnce starts two workers at once on partitions whose rows differ, while more come: all files have the same
// columns. A column that comes later to all partitions at once makes one version more, and two that come to two make two.
func TestSchemaIsPinnedOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 4)
	b.file("connectors.yaml", strings.Replace(inferred, "$new", "add", 1))
	first := []string{`,"a":1.5`, `,"a":2.5,"b":true`, `,"c":{"d":[1]}`, ``}
	more := func(members []string) {
		for p := range int32(4) {
			b.addTo(p, 60, members[p])
		}
	}
	more(first)
	workers := []*worker{b.start(), b.start()}
	more(first)
	await(t, "two members", func() bool { return len(b.members(b.group())) == 2 })
	b.awaitEnd()
	b.wantVersions(1)
	both := slices.Repeat([]string{`,"late":"x"`}, 4)
	more(both)
	b.awaitEnd()
	b.wantVersions(2)
	more([]string{`,"late":"x","e":1`, `,"late":"x"`, `,"f":1`, ``})
	more([]string{`,"f":1`, `,"f":1`, `,"e":1`, `,"e":1,"f":1`})
	b.awaitEnd()
	for _, w := range workers {
		w.stop()
	}
	all := b.versions()
	if len(all) < 3 || len(all) > 4 {
		t.Fatalf("the versions are %q", all)
	}
	b.wantVersions(len(all))
	objects := b.tables()
	b.wantRows(objects)
	columns := map[string]string{}
	for _, o := range objects {
		v, has := o.meta["penstock-schema"], strings.Join(slices.Sorted(slices.Values(o.columns)), ", ")
		if columns[v] == "" {
			columns[v] = has
		}
		if columns[v] != has {
			t.Errorf("%v is of version %s, its columns are %q, others' %q", o, v, has, columns[v])
		}
	}
	want := map[string]string{
		"1": "a double, b bool, c string, id double, p string", "2": "a double, b bool, c string, id double, late string, p string",
		fmt.Sprint(len(all)): "a double, b bool, c string, e double, f double, id double, late string, p string",
	}
	for v, has := range want {
		if columns[v] != has {
			t.Errorf("the columns of version %s are %q, want %q", v, columns[v], has)
		}
	}
	b.wantChain()
}

// TestSchemaOutlivesItsWorker kills a worker after the columns were pinned: before the first plan, and, when more have come, between
// the second version and the end of what was begun under the first.
func TestSchemaOutlivesItsWorker(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.addTo(0, 10, "")
	slow := replace(strings.Replace(inferred, "$new", "add", 1), "every: 1s", "every: 1m")
	b.file("slow.yaml", slow)
	b.file("connectors.yaml", replace(slow, "every: 1m", "every: 1s"))
	w := b.standing("before plan")
	w.must("kill", w.Kill())
	b.wantVersions(1)
	b.wantMark(0, 0, -1)

	w = b.startTo("planned", "slow.yaml")
	b.addTo(0, 15, `,"late":true`) // another sample would have this too
	await(t, "the plan of what comes before it", w.stands)
	await(t, "the second version", func() bool { return len(b.versions()) == 2 })
	w.must("kill", w.Kill())
	b.wantMark(0, 10, -1)

	b.addTo(0, 5, `,"later":1`)
	b.drain()
	b.wantVersions(3)
	b.wantRows(b.wantColumns("id double, p string", "late bool", "later double"))
	b.wantMark(30, 0, -1)
	if m := b.remembered(); m.Schema != 3 {
		t.Errorf("the group remembers version %d", m.Schema)
	}
	b.wantChain()
}

// TestNewColumnsUnwanted has columns come that nobody wants: they are left out, or their records are dead letters, once, also where
// the worker dies between the plan and the files.
func TestNewColumnsUnwanted(t *testing.T) {
	t.Parallel()
	for policy, errs := range map[string]string{"ignore": "", "error": "    errors: {on_bad_record: dead_letter, topic: $topic-dead}\n"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.make(b.name, 1)
			b.file("connectors.yaml", strings.Replace(inferred, "$new", policy, 1)+errs)
			b.addTo(0, 10, `,"a":1`)
			b.drain()
			b.addTo(0, 5, `,"a":1`)
			b.addTo(0, 5, `,"a":1,"new":1`)
			b.addTo(0, 5, `,"a":1,"new":null`)
			w := b.standing("planned")
			w.must("kill", w.Kill())
			b.wantMark(10, 25, -1)
			b.drain()
			b.wantMark(25, 0, -1)
			b.wantVersions(1)
			objects := b.wantColumns("id double, p string, a double")
			if policy == "ignore" {
				b.wantRows(objects)
				return
			}
			placed := map[int]int{}
			for _, o := range objects {
				for _, id := range o.ids(t) {
					placed[id]++
				}
			}
			b.read(b.name+"-dead", func(r *kgo.Record) {
				said, _ := about(r)
				if !strings.Contains(said["exception.message"], "not in the schema") {
					t.Errorf("%s is dead by %q", r.Value, said)
				}
				for _, id := range (object{body: r.Value}).ids(t) {
					placed[id] += 100
				}
			})
			for id := range b.sent {
				if want := map[bool]int{true: 100, false: 1}[id >= 15 && id < 20]; placed[id] != want {
					t.Errorf("row %d stands in %d objects and %d dead letters", id, placed[id]%100, placed[id]/100)
				}
			}
		})
	}
}
