package connector

import (
	"testing"

	"github.com/penstock/penstock/kafka"
)

// A group that begins at the latest rows begins there in all partitions, also in one that the first worker had not committed when it
// died, and that the next one takes when more rows have come.
func TestAllPartitionsBeginTogether(t *testing.T) {
	r := newRig(t, 4)
	r.produce(numbers(0, 40, 1)...)
	text := r.local("from: latest\nflush: {every: 50ms}")
	dies := &Run{Name: "c-" + r.topic, Config: decode(t, text), Client: r.client, topics: []string{r.topic}}
	var err error
	if dies.book, err = openBook(t.Context(), dies); err != nil {
		t.Fatal(err)
	}
	starts, err := dies.book.starts(t.Context())
	if err != nil || len(starts[r.topic]) != 4 {
		t.Fatalf("%v, %v", starts, err)
	}
	r.commit(map[int32]kafka.Mark{0: {Offset: starts[r.topic][0]}})
	r.produce(numbers(40, 40, 1)...)
	run := r.run(text)
	eventually(t, "the rows that came later are visible", func() bool { return count(t, r.dir) >= 40 })
	if err := run.stop(); err != nil {
		t.Fatal(err)
	}
	var before []int
	for n := range 40 {
		before = append(before, n)
	}
	exactly(t, r.dir, 80, before...)
}
