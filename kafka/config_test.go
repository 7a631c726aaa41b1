package kafka

import (
	"strings"
	"testing"
	"time"
)

func TestPropertiesThatAreRefused(t *testing.T) {
	for name := range owned {
		err := Config{Properties: map[string]string{name: "x"}}.Check()
		if err == nil || !strings.Contains(err.Error(), "properties."+name+": it is not yours to set: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for props, want := range map[string]string{
		"securty.protocol=SSL":    `No such configuration property: "securty.protocol"`,
		"session.timeout.ms=soon": `Invalid value for configuration property "session.timeout.ms"`,
		"message.max.bytes=10":    `properties.message.max.bytes: Configuration property "message.max.bytes" value 10 is outside allowed range 1000..1000000000`,
		"acks=1":                  "properties.acks: `acks` must be set to `all`",
	} {
		k, v, _ := strings.Cut(props, "=")
		if err := (Config{Properties: map[string]string{k: v}}).Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %s", props, err, want)
		}
	}
	err := Config{Properties: map[string]string{"securty.protocol": "SSL", "session.timeout.ms": "soon", "group.id": "g"}}.Check()
	for _, name := range []string{"securty.protocol", "session.timeout.ms", "group.id"} {
		if err == nil || strings.Count(err.Error(), "properties."+name+": ") != 1 {
			t.Errorf("not every mistake is named once: %v", err)
		}
	}
	if err := (Config{Properties: map[string]string{"session.timeout.ms": "6000", "client.id": "x"}}).Check(); err != nil {
		t.Error(err)
	}
}

// The session timeout is what a flush under way may take when its partition moves: also where it is said in the file, as text.
func TestSession(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 10 * time.Second, "6000": 6 * time.Second} {
		c := &Client{Config: Config{Properties: map[string]string{}}}
		if text != "" {
			c.Config.Properties["session.timeout.ms"] = text
		}
		if got := c.Session(); got != want {
			t.Errorf("session.timeout.ms %q: %v, want %v", text, got, want)
		}
	}
}
