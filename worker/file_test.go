package worker

import (
	"strings"
	"testing"
)

func TestMistakes(t *testing.T) {
	const kafka = "kafka: {brokers: [x]}\n"
	const sound = "connectors:\n  a: {topics: [t], sink: {local: {dir: d, format: json}}}\n"
	for text, want := range map[string]string{
		kafka + sound:                     "",
		kafka + "memory: 16MiB\n" + sound: "",
		kafka + "memory: 15MiB\n" + sound: "test.yaml:2: memory: 15MiB is too little; at least 16MiB",
		kafka + "connectors: {}\n":        "test.yaml:2: connectors: is required, and may not be empty",
		kafka:                             "connectors",
		sound:                             "kafka",
		kafka + strings.Replace(sound, "[t]", "[]", 1):                                         "test.yaml:3: ",
		kafka + sound + "  b: {topics: [t]}\n":                                                 "test.yaml:4: ",
		kafka + sound + "  a: {topics: [t]}\n":                                                 "test.yaml:4: ",
		kafka + strings.Replace(sound, "}}}", "}}, flush: {rows: 0, bytes: 0, every: 0s}}", 1): "nothing would ever be flushed; set rows, bytes, every or idle",
	} {
		f, err := Read(registry(), "test.yaml", []byte(text))
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s%v; want %q", text, err, want)
		case err == nil && (len(f.Connectors) != 1 || f.Connectors[0].Config.Flush.Every == 0):
			t.Errorf("%+v", f)
		}
	}
}
