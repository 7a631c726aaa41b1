package chaos

import (
	"fmt"
	"strings"
	"testing"
)

// TestForeign has an object that is not ours where an anchor should be: that partition is held, the others go on, and the object
// stays what it was.
func TestForeign(t *testing.T) {
	t.Parallel()
	for name, meta := range map[string]map[string]string{
		"bare":    nil,
		"another": {"penstock-connector": "another", "penstock-topic": "$", "penstock-partition": "1", "penstock-from": "0", "penstock-until": "10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.make(b.name, 3)
			b.file("connectors.yaml", simple)
			for p := range int32(3) {
				values := make([][]byte, 25)
				for i := range values {
					values[i] = fmt.Appendf(nil, `{"id":%d,"p":"a"}`, 100*int(p)+i)
				}
				b.produce(b.name, p, values, "")
			}
			key := fmt.Sprintf("a/%s+1+%020d.json", b.name, 10)
			if meta != nil {
				meta["penstock-topic"] = b.name
			}
			b.put(key, "theirs", meta)

			w := b.start("--drain")
			w.ends(1)
			for _, want := range []string{b.name + "/1 is held", key + " stands already", "move it away"} {
				if lines := strings.Split(strings.TrimSpace(w.log()), "\n"); !strings.Contains(lines[len(lines)-1], want) {
					t.Errorf("the last word is %q, without %q", lines[len(lines)-1], want)
				}
			}
			w = b.start()
			await(t, "the partition to be held", func() bool { return w.says("partition held") })
			for p, want := range map[int32]int64{0: 25, 1: 10, 2: 25} {
				await(t, fmt.Sprintf("partition %d", p), func() bool { return b.committed(b.group(), b.name, p).offset == want })
			}
			w.stop()
			if got := b.committed(b.group(), b.name, 1); got.offset != 10 || got.End != 20 {
				t.Errorf("of the partition that is held the group remembers %v", got)
			}
			if got, err := b.get(key); err != nil || string(got.body) != "theirs" {
				t.Errorf("the foreign object is %q, %v", got.body, err)
			}

			b.remove(key)
			b.drain()
			if n := len(b.objects("a/")); n != 9 {
				t.Errorf("%d objects, want 9", n)
			}
			for p := range int32(3) {
				if got := b.committed(b.group(), b.name, p); got.offset != 25 {
					t.Errorf("partition %d: %v", p, got)
				}
			}
		})
	}
}
