package connector

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
)

// verified is what a verification of the rig's connector finds: kind and offsets of each, in order.
func (r *rig) verified(text string, scope Scope) (kinds []string) {
	r.Helper()
	v := r.verification(text, scope)
	for _, f := range v.Findings {
		kinds = append(kinds, fmt.Sprintf("%s %d-%d", f.Kind, f.From, f.To))
	}
	return kinds
}

func (r *rig) verification(text string, scope Scope) *Verification {
	r.Helper()
	run := &Run{Name: "c-" + r.topic, Config: decode(r, text), Client: r.client,
		Build: func(layout string) (Config, error) { return decode(r, text, plugin.Laid("connectors.c", layout)), nil }}
	v, err := run.Verify(r.Context(), scope)
	if err != nil {
		r.Fatal(err)
	}
	if v.Whole != (len(v.Findings) == 0) || v.Connector != run.Name {
		r.Errorf("%+v", v)
	}
	return v
}

// drained runs the connector until the group has committed all of the one partition.
func (r *rig) drained(text string, end int64) {
	r.Helper()
	run := r.run(text)
	eventually(r, fmt.Sprintf("offset %d is committed", end), func() bool { return r.committed()[0].Offset == end })
	run.stopped()
}

// lake is the folder of a connector with three intervals of three folders each, of which the offsets 30 to 31, 61 to 62 and 92 to 93
// hold control records, and what the connector is.
func (r *rig) lake(format string) (text string, end int64) {
	r.Helper()
	text = fmt.Sprintf("topics: [%s]\nsink: {local: {dir: %q, path: \"path={path}\", format: %s, with: [partition, offset]}}\nflush: {every: 20ms}", r.topic, r.dir, format)
	for i := range 3 {
		r.produce(numbers(30*i, 30, 3)...)
		end = int64(31 * (i + 1))
		r.drained(strings.Replace(text, "every: 20ms", "rows: 30, every: 20ms", 1), end)
	}
	return text, end
}

// file is the path of one file of the lake.
func (r *rig) file(folder string, first int) string {
	r.Helper()
	found, err := filepath.Glob(fmt.Sprintf("%s/%s/%s+0+%020d.*", r.dir, folder, r.topic, first))
	if err != nil || len(found) != 1 {
		r.Fatal(folder, first, found, err)
	}
	return found[0]
}

func (r *rig) shell(line string, args ...any) {
	r.Helper()
	if out, err := exec.Command("sh", "-ec", fmt.Sprintf(line, args...)).CombinedOutput(); err != nil {
		r.Fatalf("%s: %v\n%s", line, err, out)
	}
}

func (r *rig) attr(file, name, value string) {
	r.Helper()
	if err := unix.Setxattr(file, "user.penstock-"+name, []byte(value), 0); err != nil {
		r.Fatal(err)
	}
}

// spoilt is what can become of objects, and what a verification says of it: at once, and beyond that by reading.
var spoilt = map[string]struct {
	spoil      func(r *rig)
	want, rows []string
}{
	"nothing":               {func(r *rig) {}, nil, nil},
	"a file is gone":        {func(r *rig) { os.Remove(r.file("path=p1", 32)) }, []string{"gap 31-61"}, []string{"gap 31-61"}},
	"an anchor is gone":     {func(r *rig) { os.Remove(r.file("path=p0", 31)) }, []string{"gap 31-61"}, []string{"gap 31-61"}},
	"an interval is gone":   {func(r *rig) { r.shell("rm %s/*/*+0000000000000000003*", r.dir) }, []string{"gap 30-61"}, nil},
	"the first one is gone": {func(r *rig) { r.shell("rm %s/*/*+0000000000000000000*", r.dir) }, []string{"gap 0-30"}, nil},
	"the last one is gone":  {func(r *rig) { r.shell("rm %s/*/*+0000000000000000006*", r.dir) }, []string{"gap 61-92"}, nil},
	"all is gone":           {func(r *rig) { r.shell("rm -r %s", r.dir) }, []string{"gap 0-92"}, nil},
	"a copy by another offset": {func(r *rig) {
		r.shell("cp -a %s %s/path=p1/%s+0+%020d.json", r.file("path=p1", 32), r.dir, r.topic, 33)
	},
		[]string{"doubled 31-61"}, nil},
	"a copy by another name": {func(r *rig) { r.shell("cp -a %s %s/path=p1/copy.json", r.file("path=p1", 32), r.dir) }, []string{"doubled 31-61"}, nil},
	"a copy in another folder": {func(r *rig) { r.shell("mkdir %[2]s/path=x; cp -a %[1]s %[2]s/path=x", r.file("path=p1", 32), r.dir) },
		[]string{"doubled 31-61"}, []string{"doubled 31-61"}},
	"a copy of another interval": {func(r *rig) {
		r.shell("cp -a %s %s/path=p1/%s+0+%020d.json", r.file("path=p1", 32), r.dir, r.topic, 35)
		for name, value := range map[string]string{"first": "35", "from": "33", "until": "45", "interval-files": "1", "interval-rows": "10"} {
			r.attr(r.file("path=p1", 35), name, value)
		}
	}, []string{"overlap 33-45"}, []string{"gap 33-45", "doubled 33-45", "damaged 33-45"}},
	"cut short": {func(r *rig) { r.shell("truncate -s -5 %s", r.file("path=p2", 2)) }, []string{"damaged 0-30"}, []string{"damaged 0-30"}},
	"rewritten, as long": {func(r *rig) {
		r.shell("sed -i.before 's/\"n\":2,/\"n\":7,/' %[1]s; cat %[1]s > %[1]s.before; mv %[1]s.before %[1]s", r.file("path=p2", 2))
	},
		nil, []string{"damaged 0-30"}},
	"says fewer rows": {func(r *rig) { r.attr(r.file("path=p2", 2), "rows", "9") }, []string{"gap 0-30"}, []string{"gap 0-30", "damaged 0-30"}},
	"of nobody":       {func(r *rig) { r.shell("touch %s/path=p2/%s+0+%020d.json", r.dir, r.topic, 70) }, []string{"foreign 70-71"}, nil},
	"damaged metadata": {func(r *rig) { r.attr(r.file("path=p2", 2), "until", "x") }, []string{"gap 0-30", "foreign 2-3"},
		[]string{"gap 0-30"}},
	"of another connector": {func(r *rig) {
		r.shell("cp -a %s %s/path=p1/%s+0+%020d.json", r.file("path=p1", 32), r.dir, r.topic, 33)
		r.attr(r.file("path=p1", 33), "connector", "another")
	}, nil, nil},
	"of another topic":  {func(r *rig) { r.shell("touch %s/path=p2/x+0+%020d.json %s/path=p2/README", r.dir, 70, r.dir) }, nil, nil},
	"of a topic before": {func(r *rig) { r.attr(r.file("path=p1", 32), "topic-id", "another") }, []string{"orphaned 31-61", "gap 31-61"}, []string{"gap 31-61"}},
	"of a partition more": {func(r *rig) {
		r.shell("cp -a %s %s/path=p1/%s+7+%020d.json", r.file("path=p1", 32), r.dir, r.topic, 32)
		r.attr(r.dir+fmt.Sprintf("/path=p1/%s+7+%020d.json", r.topic, 32), "partition", "7")
	}, []string{"orphaned 32-33"}, nil},
	"beyond what is committed": {func(r *rig) {
		r.shell("cp -a %s %s/path=p1/%s+0+%020d.json", r.file("path=p1", 32), r.dir, r.topic, 95)
		for name, value := range map[string]string{"first": "95", "from": "93", "until": "105", "interval-files": "1", "interval-rows": "10"} {
			r.attr(r.file("path=p1", 95), name, value)
		}
	}, []string{"orphaned 93-105"}, []string{"damaged 93-105"}},
}

func TestVerify(t *testing.T) {
	r := newRig(t, 1)
	text, end := r.lake("json")
	backup := r.TempDir() + "/backup"
	r.shell("cp -a %s %s", r.dir, backup)
	for name, c := range spoilt {
		r.shell("rm -rf %[2]s; cp -a %[1]s %[2]s", backup, r.dir)
		c.spoil(r)
		same := func(how string, got, want []string) {
			t.Helper()
			slices.Sort(got)
			want = slices.Sorted(slices.Values(want))
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: found %q, want %q", name, how, got, want)
			}
		}
		_, before := os.Stat(r.dir)
		same("by metadata", r.verified(text, Scope{}), c.want)
		if _, after := os.Stat(r.dir); (before == nil) != (after == nil) {
			t.Errorf("%s: the folder was touched: %v, then %v", name, before, after)
		}
		if c.rows == nil && c.want != nil {
			continue
		}
		got := slices.Compact(slices.Sorted(slices.Values(r.verified(text, Scope{Rows: true}))))
		same("by rows", got, slices.Compact(slices.Sorted(slices.Values(slices.Concat(c.want, c.rows)))))
	}
	r.shell("rm -rf %[2]s; cp -a %[1]s %[2]s", backup, r.dir)
	v := r.verification(text, Scope{Rows: true})
	if want := (Verified{Topic: r.topic, To: end, Intervals: 3, Files: 9, Rows: 90}); len(v.Partitions) != 1 || v.Partitions[0] != want {
		t.Errorf("%+v, want %+v", v.Partitions, want)
	}
}

// Files of every format are read back.
func TestVerifyFormats(t *testing.T) {
	for _, format := range []string{"{json: {compression: gzip}}", "{json: {compression: zstd}}", "parquet"} {
		t.Run(strings.Trim(strings.Fields(format)[len(strings.Fields(format))-1], "}"), func(t *testing.T) {
			r := newRig(t, 1)
			text, _ := r.lake(format)
			if got := r.verified(text, Scope{Rows: true}); len(got) > 0 {
				t.Error(got)
			}
			file := r.file("path=p2", 33)
			r.shell("head -c -1 %[1]s > %[1]s.x; printf x >> %[1]s.x; cat %[1]s.x > %[1]s; rm %[1]s.x", file)
			if got := r.verified(text, Scope{}); len(got) > 0 {
				t.Error(got)
			}
			if got := r.verified(text, Scope{Rows: true}); !slices.Equal(got, []string{"damaged 31-61"}) {
				t.Error(got)
			}
			r.attr(file, "bytes", "0") // of an object that does not say
			if got := r.verified(text, Scope{Rows: true}); !slices.Equal(got, []string{"damaged 31-61"}) {
				t.Error(got)
			}
		})
	}
}

// What is asked about can be bounded: what lies across a bound is not judged, and nothing beyond it is.
func TestVerifyBetween(t *testing.T) {
	r := newRig(t, 1)
	text, _ := r.lake("json")
	os.Remove(r.file("path=p1", 32))
	at := func(n int64) Bound { return Bound{Given: true, Offset: n} }
	for name, c := range map[string]struct {
		scope Scope
		want  []string
	}{
		"all":                     {Scope{From: at(0), To: at(93)}, []string{"gap 31-61"}},
		"before":                  {Scope{To: at(31)}, nil},
		"behind":                  {Scope{From: at(61)}, nil},
		"from within":             {Scope{From: at(45)}, nil},
		"up to within":            {Scope{To: at(45)}, nil},
		"the interval":            {Scope{From: at(31), To: at(61)}, []string{"gap 31-61"}},
		"about it":                {Scope{From: at(20), To: at(80), Rows: true}, []string{"gap 31-61", "gap 31-61"}},
		"nothing":                 {Scope{From: at(50), To: at(40)}, nil},
		"beyond":                  {Scope{From: at(5000)}, nil},
		"from control records on": {Scope{From: at(30), To: at(31)}, nil},
	} {
		if got := r.verified(text, c.scope); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	r.shell("rm %s/*/*+0000000000000000003*", r.dir)
	for name, c := range map[string]struct {
		scope Scope
		want  []string
	}{
		"from it on":   {Scope{From: at(31)}, []string{"gap 31-61"}},
		"from in it":   {Scope{From: at(45)}, []string{"gap 45-61"}},
		"up to in it":  {Scope{To: at(45)}, []string{"gap 30-45"}},
		"up to before": {Scope{To: at(30)}, nil},
		"behind it":    {Scope{From: at(61)}, nil},
	} {
		if got := r.verified(text, c.scope); !slices.Equal(got, c.want) {
			t.Errorf("without it, %s: %q, want %q", name, got, c.want)
		}
	}
}

// Whatever a worker may go through, what it leaves is whole: bad rows, control records, offsets that went backwards, a changed layout.
func TestVerifyRaisesNoFalseAlarm(t *testing.T) {
	r := newRig(t, 1)
	text, rows := r.local("errors: {on_bad_record: skip}\nflush: {rows: 7, every: 20ms}"), int64(40)
	whole := func(what string) {
		t.Helper()
		for _, read := range []bool{false, true} {
			if v := r.verification(text, Scope{Rows: read}); !v.Whole || v.Partitions[0].Rows != rows {
				t.Errorf("%s, rows %v: %+v", what, read, v)
			}
		}
	}
	back := func(to kafka.Mark, end int64) {
		t.Helper()
		r.commit(map[int32]kafka.Mark{0: to})
		if got := r.verified(text, Scope{}); len(got) == 0 || !strings.HasPrefix(got[0], "orphaned") {
			t.Errorf("set back to %d: %q", to.Offset, got)
		}
		r.drained(text, end)
		whole(fmt.Sprintf("back from %d %s", to.Offset, to.Metadata))
	}
	r.produce(numbers(0, 40, 3)...)
	r.drained(text, 41)
	whole("at first")
	first := r.committed()[0]
	back(kafka.Mark{}, 41)
	back(kafka.Mark{Offset: 14}, 41)
	r.produce("bad", "worse")
	r.drained(text, 44)
	whole("with bad rows")
	bad := r.committed()[0]
	text, rows = strings.Replace(text, "path: all", `path: "new/{path}"`, 1), 60
	r.produce(numbers(100, 20, 3)...)
	r.drained(text, 65)
	whole("moved")
	back(kafka.Mark{Offset: 51}, 65)
	back(bad, 65)
	back(first, 65)
	r.expire(60)
	if v := r.verification(text, Scope{Rows: true}); !v.Whole {
		t.Error("expired", v)
	}
	other := r.local("group: nobody-" + r.topic)
	other = strings.Replace(other, "path: all", `path: "new/{path}"`, 1)
	if got := r.verified(other, Scope{}); len(got) != 1 || !strings.HasPrefix(got[0], "orphaned 0-") {
		t.Error("of a group that was never there", got)
	}
}

// Where metadata does not say all, the topic tells; where that has forgotten too, it is said that nothing can be proven.
func TestVerifyByTheTopic(t *testing.T) {
	r := newRig(t, 1)
	text, _ := r.lake("json")
	silent := func(name string) { // as of a run that did not know, or objects made before they said so
		files, err := filepath.Glob(r.dir + "/*/*")
		if err != nil || len(files) != 9 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			if err := unix.Removexattr(f, "user.penstock-"+name); err != nil && !errors.Is(err, unix.ENODATA) {
				t.Fatal(err)
			}
		}
	}
	want := func(what string, want ...string) {
		t.Helper()
		if got := r.verified(text, Scope{}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	silent("before")
	want("no links")
	silent("interval-files")
	silent("interval-rows")
	want("no totals")
	os.Remove(r.file("path=p1", 32))
	want("a file is gone", "gap 31-61")
	r.shell("rm %s/*/*+0000000000000000003*", r.dir)
	want("an interval is gone", "gap 30-62")
	r.expire(61)
	want("nobody knows any more", "unproven 0-30", "unproven 30-62")
}

// On a compacted topic an interval that was written again may hold less than it did: what is still on the topic has to stand.
func TestVerifyCompacted(t *testing.T) {
	r := newRig(t, 1)
	r.topic += "-compact"
	r.ensure(kafka.Topic{Name: r.topic, Partitions: 1, Compact: true})
	text, _ := r.lake("json")
	for _, folder := range []string{"path=p0", "path=p1", "path=p2"} {
		for _, first := range []int{31, 32, 33} {
			if found, _ := filepath.Glob(fmt.Sprintf("%s/%s/*+%020d.json", r.dir, folder, first)); len(found) == 1 {
				r.attr(found[0], "interval-files", "5")
				r.attr(found[0], "interval-rows", "50")
			}
		}
	}
	if got := r.verified(text, Scope{}); len(got) > 0 {
		t.Errorf("what the topic has stands, and %q is found", got)
	}
	os.Remove(r.file("path=p1", 32))
	if got := r.verified(text, Scope{}); !slices.Equal(got, []string{"gap 31-61"}) {
		t.Errorf("a file is gone, and %q is found", got)
	}
}

// Another connector's objects stand between ours in the same folders: what comes before a bound is found past them.
func TestVerifyBesideAnother(t *testing.T) {
	r := newRig(t, 1)
	text, _ := r.lake("json")
	for _, first := range []int64{34, 40, 50, 66} {
		name := fmt.Sprintf("%s/path=p1/%s+0+%020d.json", r.dir, r.topic, first)
		r.shell("cp -a %s %s", r.file("path=p0", 0), name)
		r.attr(name, "connector", "another")
	}
	for at, intervals := range map[int64]int{0: 3, 35: 2, 45: 2, 55: 2, 61: 1, 67: 1} {
		scope := Scope{From: Bound{Given: true, Offset: at}}
		if v := r.verification(text, scope); !v.Whole || v.Partitions[0].Intervals != intervals {
			t.Errorf("from %d: %+v", at, v)
		}
	}
}

// Layouts may differ in what is not where their objects stand: then one sink lists them all, and another says what the topic's rows
// would make, of a store that it never reached.
func TestVerifyByASinkThatListedNothing(t *testing.T) {
	r := newRig(t, 1)
	store := storeBehind(t, func(w http.ResponseWriter, q *http.Request, next http.Handler) { next.ServeHTTP(w, q) })
	before := r.s3(store, "flush: {every: 20ms}")
	after := strings.Replace(before, "format: json", "format: parquet", 1)
	var end int64
	for i, text := range []string{before, after} {
		r.produce(numbers(10*i, 10, 1)...)
		end += 11
		r.drained(text, end)
	}
	r.produce(numbers(20, 10, 1)...)
	r.commit(map[int32]kafka.Mark{0: {Offset: end + 11}})
	for _, text := range []string{before, after} {
		if got := r.verified(text, Scope{}); !slices.Equal(got, []string{"gap 21-33"}) {
			t.Errorf("%q is found", got)
		}
	}
}

// Rows that expire while a verification is under way are not waited for: what the topic still holds is compared.
func TestVerifyWhileRowsExpire(t *testing.T) {
	for name, c := range map[string]struct {
		before int64
		want   []string
	}{
		"some that are not asked about": {40, []string{"gap 62-92"}},
		"some of an interval":           {66, []string{"gap 62-92"}},
		"all":                           {93, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1)
			text, end := r.lake("json")
			os.Remove(r.file("path=p1", 63))
			run := &Run{Name: "c-" + r.topic, Config: decode(r, text), Client: r.client}
			v := &verifier{Run: run, scope: Scope{Rows: true}, stores: map[string]string{}, out: &Verification{}}
			v.book = &book{run: run, today: layoutHash(run.Config.Layout), made: map[rulesKey]*rules{}}
			v.book.configs = map[string]*Config{v.book.today: &run.Config}
			a, err := r.client.Admin()
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if err := errors.Join(v.book.read(t.Context()), v.open(t.Context(), a, r.topic), v.scan(t.Context(), r.topic)); err != nil {
				t.Fatal(err)
			}
			l := v.ledgers[0]
			l.after = l.before
			l.judge()
			v.out.Findings = nil
			r.expire(c.before)
			if err := l.replay(t.Context()); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range v.out.Findings {
				got = append(got, fmt.Sprintf("%s %d-%d", f.Kind, f.From, f.To))
			}
			if !slices.Equal(got, c.want) || l.low != c.before || l.line.To != end {
				t.Errorf("found %q, want %q; the topic begins at %d", got, c.want, l.low)
			}
		})
	}
}

// A folder that was told of otherwise is the same one, and one in the other holds a part of what the other holds.
func TestVerifyFoldersThatMeet(t *testing.T) {
	for name, dirs := range map[string]func(r *rig, relative string) (before, after string){
		"absolute": func(r *rig, relative string) (string, string) { return relative, r.dir },
		"linked": func(r *rig, _ string) (string, string) {
			r.shell("ln -s %[1]s %[1]s-link", r.dir)
			return r.dir, r.dir + "-link/"
		},
		"narrower": func(r *rig, relative string) (string, string) { return relative, r.dir + "/v2" },
		"wider":    func(r *rig, _ string) (string, string) { return r.dir + "/v2", r.dir },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1)
			here, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			relative, err := filepath.Rel(here, r.dir)
			if err != nil {
				t.Fatal(err)
			}
			before, after := dirs(r, relative)
			text := r.local("flush: {rows: 10, every: 20ms}")
			for i, dir := range []string{before, after} {
				text = r.local("flush: {rows: 10, every: 20ms}")
				text = strings.Replace(text, fmt.Sprintf("%q", r.dir), fmt.Sprintf("%q", dir), 1)
				text = strings.Replace(text, "path: all", `path: "{path}"`, 1)
				r.produce(numbers(10*i, 10, 2)...)
				r.drained(text, int64(11*(i+1)))
				r.shell("mkdir -p %[1]s/.penstock-tmp; for f in %[1]s/p0/*; do cp -a $f %[1]s/.penstock-tmp/x; done", dir) // as while a worker writes
			}
			for _, rows := range []bool{false, true} {
				if v := r.verification(text, Scope{Rows: rows}); !v.Whole || v.Partitions[0].Files != 4 || v.Partitions[0].Rows != 20 {
					t.Errorf("rows %v: %+v", rows, v)
				}
			}
		})
	}
}
