package kafka

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func TestPropertiesThatAreRefused(t *testing.T) {
	for name := range owned {
		err := Config{Properties: map[string]string{name: "x"}}.Check()
		if err == nil || !strings.Contains(err.Error(), "properties."+name+": it is not yours to set: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for props, want := range map[string]string{
		"securty.protocol=SSL":           `No such configuration property: "securty.protocol"`,
		"session.timeout.ms=soon":        `Invalid value for configuration property "session.timeout.ms"`,
		"message.max.bytes=10":           `properties.message.max.bytes: Configuration property "message.max.bytes" value 10 is outside allowed range 1000..1000000000`,
		"acks=1":                         "properties.acks: `acks` must be set to `all`",
		"go.events.channel.enable=true":  "properties.go.events.channel.enable: it is not yours to set",
		"max.poll.interval.ms=5000":      "properties.max.poll.interval.ms: `max.poll.interval.ms`must be >= `session.timeout.ms`",
		"session.timeout.ms=400000":      "properties.session.timeout.ms: `max.poll.interval.ms`must be >= `session.timeout.ms`",
		"heartbeat.interval.ms=10000":    "properties.heartbeat.interval.ms: heartbeat.interval.ms, 10000, must be below session.timeout.ms, 10000",
		"fetch.max.bytes=1000":           "properties.fetch.max.bytes: `fetch.max.bytes` must be >= `message.max.bytes`",
		"receive.message.max.bytes=1000": "properties.receive.message.max.bytes: `receive.message.max.bytes` must be >= `fetch.max.bytes` + 512",
		"transaction.timeout.ms=1000":    "properties.transaction.timeout.ms: `socket.timeout.ms` must be set <= `transaction.timeout.ms` + 100",
		"partition.fetch=1":              `No such configuration property: "partition.fetch"`,
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

// Whatever passes, every client can be made of, with as many partitions as there may be; and is what the user said, by whichever name.
func TestPropertiesThatPass(t *testing.T) {
	for props, want := range map[string]string{
		"message.max.bytes=100000000": "fetch.max.bytes=100000000", "message.max.bytes=2000000": "fetch.max.bytes=2000000",
		"max.partition.fetch.bytes=5000": "fetch.message.max.bytes=5000", "session.timeout.ms=45000": "heartbeat.interval.ms=11250",
		"queue.buffering.max.ms=7": "linger.ms=7", "compression.codec=zstd": "compression.type=zstd", "debug=all": "debug=all",
	} {
		k, v, _ := strings.Cut(props, "=")
		c := &Client{Config: Config{Properties: map[string]string{k: v}}, Ahead: 1}
		if err := c.Config.Check(); err != nil {
			t.Errorf("%s: %v", props, err)
			continue
		}
		made, configs := 0, []*kafka.ConfigMap{c.consumerConfig(Group{Name: "g", Partitions: 100}), c.glance("g"), c.producerConfig("p")}
		name, value, _ := strings.Cut(want, "=")
		for _, m := range configs {
			if got, err := m.Get(name, nil); err == nil && fmt.Sprint(got) == value {
				made++
			}
			var err error
			var client interface{ Close() }
			if _, group := (*m)["group.id"]; group {
				var one *kafka.Consumer
				if one, err = kafka.NewConsumer(alone(m)); err == nil {
					client = closer(func() { _ = one.Close() })
				}
			} else {
				client, err = kafka.NewProducer(alone(m))
			}
			if err != nil {
				t.Errorf("%s: %v", props, err)
				continue
			}
			client.Close()
		}
		if made == 0 {
			t.Errorf("%s: %s is nowhere", props, want)
		}
	}
	twice := Config{Properties: map[string]string{"linger.ms": "1", "queue.buffering.max.ms": "2"}}
	if err := twice.Check(); err == nil || !strings.Contains(err.Error(), "properties.queue.buffering.max.ms: it is another name of linger.ms; leave one out") {
		t.Errorf("%v", err)
	}
}

type closer func()

func (c closer) Close() { c() }
