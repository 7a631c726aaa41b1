package connector

import (
	"fmt"
	"strings"
	"testing"
)

// TestDeadLetterSaysWhoRefused: the codec what it cannot read, and the sink what has no place there.
func TestDeadLetterSaysWhoRefused(t *testing.T) {
	r := newRig(t, 1)
	long := strings.Repeat("é", 600)
	r.produce(`{"n":`, `{"n":"`+long+`"}`)
	text := strings.Replace(r.local("flush: {every: 100ms}\nerrors: {on_bad_record: dead_letter, topic: "+r.topic+"-dead}"), "path: all", `path: "{n}"`, 1)
	run := r.run(text)
	eventually(t, "both are dead letters", func() bool { return r.committed()[0].Offset >= 2 })
	run.stopped()
	parts, err := r.client.Sample(t.Context(), "nobody", r.topic+"-dead", 10)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"0": {"*json.codec", "*fmt.wrapError", "is not one JSON value"},
		"1": {"*files.engine", "*errors.errorString", "above"},
	}
	for _, b := range parts {
		for _, rec := range b.Records {
			said := map[string]string{}
			for _, h := range rec.Headers {
				said[strings.TrimPrefix(h.Key, "__connect.errors.")] = string(h.Value)
			}
			is := want[said["offset"]]
			if is == nil || said["class.name"] != is[0] || said["exception.class.name"] != is[1] || !strings.Contains(said["exception.message"], is[2]) {
				t.Errorf("%.300s, want %q", fmt.Sprint(said), is)
			}
			delete(want, said["offset"])
		}
	}
	if len(want) > 0 {
		t.Errorf("not among them: %v", want)
	}
}
