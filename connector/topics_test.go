package connector

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/kafka"
)

// A sink empties all topics that match, those too that come to match while it runs.
func TestTopicsThatMatch(t *testing.T) {
	r := newRig(t, 1)
	r.produce(numbers(0, 20, 1)...)
	text := strings.Replace(r.local("flush: {every: 50ms}"), "["+r.topic+"]", `{match: "`+r.topic+`(-.*)?"}`, 1)
	text = strings.Replace(text, "path: all", `path: "{topic}"`, 1)
	run := r.run(text)
	eventually(t, "the rows of the first topic are visible", func() bool { return count(t, r.dir) == 20 })
	first := r.topic
	for _, name := range []string{first + "-more", "not-" + first} {
		r.ensure(kafka.Topic{Name: name, Partitions: 2})
		r.topic = name
		r.produce(numbers(20, 30, 1)...)
	}
	eventually(t, "the rows of the second topic are visible", func() bool { return count(t, r.dir) == 50 })
	run.stopped()
	exactly(t, r.dir, 50)
	for _, f := range files(t, r.dir) {
		if strings.Contains(f.name, "not-") {
			t.Errorf("%s is of a topic that does not match", f.name)
		}
	}
}

// What matches is a whole name, and nothing that Kafka or penstock keeps for itself, nor the dead letters of the connector.
func TestTopicsNow(t *testing.T) {
	r := newRig(t, 1)
	for _, name := range []string{r.topic + ".a", r.topic + ".dead"} {
		r.ensure(kafka.Topic{Name: name, Partitions: 1})
	}
	a, err := r.client.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for match, want := range map[string][]string{
		r.topic:                {r.topic},
		r.topic + `\..*`:       {r.topic + ".a"},
		r.topic + `|x.*|state`: {r.topic},
		"a":                    nil,
	} {
		text := strings.Replace(r.local("errors: {on_bad_record: dead_letter, topic: "+r.topic+".dead}"), "["+r.topic+"]", fmt.Sprintf("{match: %q}", match), 1)
		config := decode(t, text)
		got, err := config.TopicsNow(t.Context(), a)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%s: %v, %v; want %v", match, got, err, want)
		}
	}
	if err := new(Match).UnmarshalText([]byte("stock.[")); err == nil || !strings.Contains(err.Error(), `"stock.[" is no regular expression for names of topics; write it as in`) {
		t.Error(err)
	}
}
