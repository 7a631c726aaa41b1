package worker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/penstock/penstock/plugin"
)

// wide has sinks for one partition more than the topic that a source fills.
func wide(partitions int) string {
	return fmt.Sprintf("connectors:\n  in: {source: {csv: x}, topic: {name: t, partitions: %d}}\n", partitions-1) +
		"  a: {topics: [t, u], sink: {local: {dir: d, format: json}}}\n"
}

// TestCrowded: where sinks and partitions take more than three quarters of memory, it is told with the least that would do.
func TestCrowded(t *testing.T) {
	for _, c := range []struct {
		memory            string
		partitions, asked int
		want              string
	}{
		{"36MiB", 17, 0, ""}, // 27 MiB are three quarters of it
		{"35MiB", 17, 0, "35MiB is too little: the clients of the sinks take 10MiB each, what is read ahead of a partition 1MiB, and rows a quarter in any case, so that the process will take more; give it at least 36MiB, or"},
		{"256MiB", 17, 166, ""},
		{"256MiB", 17, 167, "at least 258MiB,"},
		{"35MiB", 17, 1, "at least 36MiB,"},
	} {
		f, err := Read(registry(), "test.yaml", []byte("kafka: {brokers: [x]}\nmemory: "+c.memory+"\n"+wide(c.partitions)))
		if err != nil {
			t.Fatal(err)
		}
		err = f.Crowded(map[string]int{"u": c.asked, "else": 9})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s, %d partitions, %d by the brokers: %v; want %q", c.memory, c.partitions, c.asked, err, c.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	const kafka = "kafka: {brokers: [x]}\n"
	const sound = "connectors:\n  a: {topics: [t], sink: {local: {dir: d, format: json}}}\n"
	for text, want := range map[string]string{
		kafka + sound:                                  "",
		kafka + "memory: 16MiB\n" + sound:              "",
		kafka + "memory: 15MiB\n" + sound:              "test.yaml:2: memory: 15MiB is too little; at least 16MiB",
		kafka + "memory: 16MiB\n" + wide(16):           "",
		kafka + "memory: 16MiB\n" + wide(17):           "test.yaml:2: memory: 16MiB is too little for the 17 partitions that the sinks read; at least 17MiB, 1MiB for each",
		kafka + "listen: :8083\n" + sound:              "",
		kafka + "listen: 8083\n" + sound:               `test.yaml:2: listen: "8083" is not an address to listen on; write it as in 127.0.0.1:8083, or :8083 for all addresses`,
		kafka + "connectors: {}\n":                     "test.yaml:2: connectors: is required, and may not be empty",
		kafka:                                          "connectors",
		sound:                                          "kafka",
		kafka + strings.Replace(sound, "[t]", "[]", 1): "test.yaml:3: ",
		kafka + sound + "  b: {topics: [t]}\n":         "test.yaml:4: ",
		kafka + sound + "  a: {topics: [t]}\n":         "test.yaml:4: ",
		kafka + strings.Replace(sound, "}}}", "}}, flush: {rows: 0, bytes: 0, every: 0s}}", 1): "nothing would ever be flushed; set rows, bytes, every or idle",
	} {
		f, err := Read(registry(), "test.yaml", []byte(text))
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s%v; want %q", text, err, want)
		case err == nil && (len(f.Connectors) == 0 || f.Connectors[0].Config.Flush.Every == 0):
			t.Errorf("%+v", f)
		}
	}
}

// Sources of one topic agree on its partitions, whichever of them makes it.
func TestPartitionsOfOneTopic(t *testing.T) {
	source := func(name, topic string) string { return "  " + name + ": {source: {csv: x}, topic: " + topic + "}\n" }
	text := "kafka: {brokers: [x]}\nconnectors:\n" + source("a", "t") + source("b", "{name: t, partitions: 3}") + source("c", "u")
	f, err := Read(registry(), "test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{3, 3, 0} {
		if got := f.Connectors[i].Config.Topic.Partitions; got != want {
			t.Errorf("%s: %d partitions, want %d", f.Connectors[i].Name, got, want)
		}
	}
	if _, err := Read(registry(), "test.yaml", []byte(text+source("d", "{name: t, partitions: 4}"))); err == nil || !strings.HasPrefix(err.Error(), "test.yaml:6: connectors.d.topic: b makes the topic t ") {
		t.Error(err)
	}
}

// A connector that leaves the file while it runs is an error when it begins again, not a connector without anything.
func TestAConnectorThatLeftTheFile(t *testing.T) {
	text := "kafka: {brokers: [x]}\nconnectors:\n  a: {topics: [t], sink: {local: {dir: d, format: json}}}\n"
	load := Load(func(opts ...plugin.DecodeOption) (*File, error) {
		return Read(registry(), "test.yaml", []byte(text), opts...)
	})
	build := load.Rebuild("a")
	config, err := build("")
	if err != nil || config.Sink == nil {
		t.Fatal(err)
	}
	was := config.Layout
	text = strings.Replace(text, "dir: d", "dir: e", 1)
	if config, err = build(was); err != nil || config.Layout != was {
		t.Errorf("%v; the layout is %q, and was %q", err, config.Layout, was)
	}
	text = strings.Replace(text, "  a:", "  b:", 1)
	for _, layout := range []string{"", was} {
		const want = "it is no longer in the file; put it back, or start the process again without it"
		if config, err = build(layout); err == nil || err.Error() != want || config.Sink != nil {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
