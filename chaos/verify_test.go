package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/parts"
)

// verify asks penstock itself whether what a connector has made is whole, and gives what it finds: the kind and offsets of each.
func (b *bed) verify(connector string, args ...string) (found []string) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), parts.Penstock(b.t), append([]string{"verify", connector, "--output", "json"}, args...)...)
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), b.env()...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var v struct {
		Whole    bool
		Findings []struct {
			Kind, Object, Text string
			From, To           int64
		}
	}
	if decoded := json.Unmarshal(out.Bytes(), &v); decoded != nil {
		b.t.Fatalf("verify: %v\n%s%s", err, out.Bytes(), errOut.Bytes())
	}
	for _, f := range v.Findings {
		found = append(found, fmt.Sprintf("%s %d-%d", f.Kind, f.From, f.To))
	}
	if code := cmd.ProcessState.ExitCode(); v.Whole != (code == 0) || v.Whole != (len(found) == 0) || code > 1 {
		b.t.Errorf("verify: exit code %d of %s%s", code, out.Bytes(), errOut.Bytes())
	}
	if b.t.Failed() {
		b.t.Logf("%s", out.Bytes())
	}
	return found
}

// wantWhole wants that penstock finds nothing wrong, neither by metadata nor by rows.
func (b *bed) wantWhole(connector string, args ...string) {
	b.t.Helper()
	for _, more := range [][]string{nil, {"--rows"}} {
		if found := b.verify(connector, append(args, more...)...); len(found) > 0 {
			b.t.Errorf("verify %s %s finds %q", connector, more, found)
		}
	}
}

// with is an object's metadata with some of it changed.
func (o object) with(changes ...string) map[string]string {
	meta := maps.Clone(o.meta)
	for i := 0; i < len(changes); i += 2 {
		meta["penstock-"+changes[i]] = changes[i+1]
	}
	return meta
}

// TestVerifyFinds removes, doubles and truncates objects in a bucket, and wants that each is found, and gone when it is mended.
func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", replace(simple, "format: json", "format: json, with: [partition, offset]"))
	b.add(37, "")
	b.drain()
	b.put("a/README", "not of penstock", nil)
	b.put(fmt.Sprintf("a/%s+0+%020d.csv", b.name, 3), "of another connector", map[string]string{"penstock-connector": "other", "penstock-layout": "x",
		"penstock-topic": b.name, "penstock-topic-id": "x", "penstock-partition": "0", "penstock-from": "0", "penstock-until": "10",
		"penstock-first": "3", "penstock-rows": "1", "penstock-schema": "0"})
	b.wantWhole(b.name)
	key := func(folder string, first int) string {
		return fmt.Sprintf("%s/%s+0+%020d.json", folder, b.name, first)
	}
	o, err := b.get(key("b", 10))
	if err != nil {
		t.Fatal(err)
	}
	last, err := b.get(key("a", 30))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		spoil func()
		want  []string
		rows  bool // it is found by reading alone
	}{
		{"removed", func() { b.remove(o.key) }, []string{"gap 10-20"}, false},
		{"the last one removed", func() {
			for _, k := range b.list("") {
				if _, first := (object{key: k}).place(); first >= 30 {
					b.remove(k)
				}
			}
		}, []string{"gap 30-37"}, false},
		{"doubled under another offset", func() { b.put(key("b", 11), string(o.body), o.meta) }, []string{"doubled 10-20"}, false},
		{"doubled under another name", func() { b.put("b/copy", string(o.body), o.meta) }, []string{"doubled 10-20"}, false},
		{"doubled in another folder", func() { b.put(key("x", 10), string(o.body), o.meta) }, []string{"doubled 10-20"}, false},
		{"doubled as of another interval", func() {
			b.put(key("b", 12), string(o.body), o.with("from", "12", "until", "15", "first", "12", "rows", "3"))
		}, []string{"gap 12-15", "overlap 12-15"}, false},
		{"truncated", func() { b.put(o.key, string(o.body[:len(o.body)-9]), o.meta) }, []string{"damaged 10-20"}, false},
		{"rewritten", func() { b.put(o.key, strings.Repeat("x", len(o.body)), o.meta) }, []string{"damaged 10-20"}, true},
		{"with no metadata", func() { b.put(o.key, string(o.body), nil) }, []string{"foreign 10-11", "gap 10-20"}, false},
		{"from beyond the offset", func() {
			b.put(key("b", 50), string(last.body), last.with("from", "50", "until", "60", "first", "50"))
		}, []string{"orphaned 50-60"}, false},
	} {
		kept := b.objects("")
		c.spoil()
		args := map[bool][]string{true: {"--rows"}}[c.rows]
		got := b.verify(b.name, args...)
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(c.want)); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", c.what, got, want)
		}
		if c.rows {
			if got := b.verify(b.name); len(got) > 0 {
				t.Errorf("%s: found %q without reading", c.what, got)
			}
		}
		b.restore(kept, o.key)
	}
	b.wantWhole(b.name)
}

// restore makes objects what they were: those that are gone, those that have come, and one that may have changed.
func (b *bed) restore(kept []object, changed string) {
	b.t.Helper()
	now := b.list("")
	for _, o := range kept {
		if o.key == changed || !slices.Contains(now, o.key) {
			b.put(o.key, string(o.body), o.meta)
		}
	}
	for _, key := range now {
		if !slices.ContainsFunc(kept, func(o object) bool { return o.key == key }) {
			b.remove(key)
		}
	}
}

// TestVerifyManyObjects has more than a page of objects, of which one is missed.
func TestVerifyManyObjects(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", strings.Replace(replace(simple, `path: "{p}"`, `path: "{p}/{id}"`), "rows: 10", "rows: 500", 1))
	b.add(1100, "")
	b.drain()
	b.wantWhole(b.name)
	keys := b.list("")
	if len(keys) != 1100 {
		t.Fatalf("%d objects", len(keys))
	}
	b.remove(keys[777])
	if found := b.verify(b.name); len(found) != 1 || !strings.HasPrefix(found[0], "gap ") {
		t.Errorf("found %q", found)
	}
}

// TestVerifyBesideDeath stops a worker at each step and verifies what it left: what a plan covers is nobody's fault.
func TestVerifyBesideDeath(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"planned", "visible", "committed"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.make(b.name, 1)
			b.file("connectors.yaml", simple)
			b.add(20, "")
			b.drain()
			b.add(20, b.name)
			w := b.startTo(point)
			await(t, "the point", w.stands)
			b.wantWhole(b.name)
			w.must("kill", w.Kill())
			b.wantWhole(b.name)
			b.drain()
			b.wantWhole(b.name)
		})
	}
}
