// Package kafka is the only room that speaks to Kafka: membership of groups, partitions read in batches, commits behind a gate,
// rows stored together with their source's offset, and compacted topics read as tables.
package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/plugin"
)

// Config is the kafka block of connectors.yaml.
type Config struct {
	Brokers      []string          `yaml:"brokers,short" required:"true" doc:"Addresses of some of the brokers, host:port."`
	Properties   map[string]string `yaml:"properties" doc:"Any librdkafka property, but those that penstock owns."`
	OffsetsTopic string            `yaml:"offsets_topic" doc:"The compacted topic in which sources keep how far they have read. Made if absent."`
	StateTopic   string            `yaml:"state_topic" doc:"The compacted topic that keeps the texts of layouts, which of them each connector had, and the versions of schemas. Made if absent."`
}

// Defaults is where a Config starts from.
func Defaults() Config { return Config{OffsetsTopic: "penstock-offsets", StateTopic: "penstock-state"} }

// owned are the client properties on which exactly-once rests, with what they are.
var owned = map[string]string{
	"bootstrap.servers": "say it as brokers", "metadata.broker.list": "say it as brokers",
	"group.id": "a connector's group option names the group", "group.instance.id": "static members can come back unnoticed",
	"group.protocol": "it is classic", "partition.assignment.strategy": "it is cooperative-sticky",
	"enable.auto.commit": "it is false", "enable.auto.offset.store": "it is false", "isolation.level": "it is read_committed",
	"auto.offset.reset": "it is error; a connector's from option says where to begin", "enable.partition.eof": "it is true",
	"enable.idempotence": "it is true", "transactional.id": "it is the connector and split",
	"auto.commit.enable": "it is enable.auto.commit, which is false", "group.protocol.type": "it is consumer",
	"test.mock.num.brokers": "the rows would go to brokers that are none", "log.queue": "penstock's log has what the client says",
	"statistics.interval.ms": "penstock asks as often as it needs to; its own metrics are at /metrics",
	"enabled_events":         "they are those that penstock waits for",
}

// aliases are properties of two names, of which penstock sets the other.
var aliases = map[string]string{
	"max.partition.fetch.bytes": "fetch.message.max.bytes", "queue.buffering.max.ms": "linger.ms", "compression.codec": "compression.type",
}

// ownedBy says why a property is not the user's to set; "" where it is.
func ownedBy(name string) string {
	if strings.HasPrefix(name, "go.") {
		return "it is none of librdkafka's"
	}
	return owned[name]
}

// Check refuses the properties that are not the user's to set, and those that librdkafka does not take.
func (c Config) Check() error {
	errs := []error{c.addresses()}
	rest := maps.Clone(c.Properties)
	for _, name := range sortedKeys(c.Properties) {
		if _, both := c.Properties[aliases[name]]; both {
			errs = append(errs, plugin.Option("properties."+name, fmt.Errorf("it is another name of %s; leave one out", aliases[name])))
			delete(rest, name)
		}
		if why := ownedBy(name); why != "" {
			errs = append(errs, plugin.Option("properties."+name, fmt.Errorf("it is not yours to set: %s; leave it out", why)))
			delete(rest, name)
		}
	}
	for {
		err := tried(rest)
		if err == nil {
			return errors.Join(append(errs, heartbeat(rest))...)
		}
		name := blamed(rest, err)
		errs = append(errs, plugin.Option("properties"+name, fmt.Errorf("%w; CONFIGURATION.md of librdkafka lists the properties and what they take", err)))
		if name == "" {
			return errors.Join(errs...)
		}
		delete(rest, name[1:])
	}
}

// address is what librdkafka takes for one: a host, its port if it is not 9092, and before them how it is spoken to.
var address = regexp.MustCompile(`^((?i:plaintext|ssl|sasl_plaintext|sasl_ssl)://)?([a-zA-Z0-9._-]+|\[[0-9a-fA-F:.]+(%[a-zA-Z0-9]+)?\])(:([0-9]+))?$`)

// addresses refuses what is no address of a broker. One text may hold several, as an environment variable does.
func (c Config) addresses() error {
	var errs []error
	for i, text := range c.Brokers {
		for one := range strings.SplitSeq(text, ",") {
			parts := address.FindStringSubmatch(strings.TrimSpace(one))
			if parts == nil || parts[5] != "" && !isPort(parts[5]) {
				errs = append(errs, plugin.Option(fmt.Sprintf("brokers[%d]", i), fmt.Errorf("%q is no address of a broker; write its host and port as in kafka-1:9092", one)))
			}
		}
	}
	return errors.Join(errs...)
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// blamed is the property, behind a dot, that an error of librdkafka's is about; "" if it names none.
func blamed(properties map[string]string, err error) string {
	for _, name := range sortedKeys(properties) {
		for _, says := range []string{`property "` + name + `"`, `property: "` + name + `"`, "`" + name + "`"} {
			if strings.Contains(err.Error(), says) {
				return "." + name
			}
		}
	}
	return ""
}

// tried makes a producer and a consumer that know no broker, for what librdkafka says of the properties beside those that they are given.
func tried(properties map[string]string) error {
	c := Client{Config: Config{Properties: properties}}
	p, err := kafka.NewProducer(alone(c.producerConfig("check")))
	if err != nil {
		return errors.New(strings.TrimSpace(err.Error()))
	}
	p.Close()
	consumer, err := kafka.NewConsumer(alone(c.consumerConfig(Group{Name: "check"})))
	if err != nil {
		return errors.New(strings.TrimSpace(err.Error()))
	}
	return consumer.Close()
}

// alone is the configuration of a client that reaches nobody, and says nothing.
func alone(m *kafka.ConfigMap) *kafka.ConfigMap {
	delete(*m, "bootstrap.servers")
	(*m)["log.queue"] = true
	return m
}

// heartbeat refuses what librdkafka takes and no group bears: a member that is given up before it is heard of.
func heartbeat(properties map[string]string) error {
	m := (&Client{Config: Config{Properties: properties}}).consumerConfig(Group{})
	beat, session := number(m, "heartbeat.interval.ms"), number(m, "session.timeout.ms")
	if beat < session {
		return nil
	}
	name := "heartbeat.interval.ms"
	if properties[name] == "" {
		name = "session.timeout.ms"
	}
	return plugin.Option("properties."+name, fmt.Errorf("heartbeat.interval.ms, %d, must be below session.timeout.ms, %d; a third of it or less is usual", beat, session))
}

// number is the value of a property that is one, whoever set it; 0 for none.
func number(m *kafka.ConfigMap, property string) int {
	v, _ := m.Get(property, nil) // a number, or the user's text
	n, _ := strconv.Atoi(fmt.Sprint(v))
	return n
}

// Client makes what speaks to one cluster. It is safe for concurrent use and holds no connection of its own.
type Client struct {
	Config   Config
	PollOnly bool                                    // read by Poll alone, as where the client's queues cannot be had
	Ahead    plugin.Size                             // how much may be fetched ahead of the readers of one group's partitions, about
	Log      func(place, what string, detail string) // told of what the client library says; may be nil
}

func (c *Client) log(place, what, detail string) {
	if c.Log != nil {
		c.Log(place, what, detail)
	}
}

// hear passes on what the client that is made with m says, until enough is called.
func (c *Client) hear(m *kafka.ConfigMap) (enough func()) {
	logs, over := make(chan kafka.LogEvent, 16), make(chan struct{}) // the Go client's own has room for 10,000, whether they come or not
	(*m)["go.logs.channel.enable"], (*m)["go.logs.channel"] = true, logs
	go func() {
		for {
			select {
			case e := <-logs:
				c.log("librdkafka", e.Tag, e.Message)
			case <-over:
				for len(logs) > 0 { // nobody adds to it any more
					e := <-logs
					c.log("librdkafka", e.Tag, e.Message)
				}
				return
			}
		}
	}()
	return func() { close(over) }
}

// base is what all clients have in common; more wins over it, and both over the defaults.
func (c *Client) base(defaults, more kafka.ConfigMap) *kafka.ConfigMap {
	m := kafka.ConfigMap{
		"client.id": "penstock", "topic.metadata.refresh.interval.ms": 30000, "socket.timeout.ms": 10000,
		"socket.nagle.disable": true, "reconnect.backoff.max.ms": 2000, "allow.auto.create.topics": false,
	}
	for k, v := range defaults {
		m[k] = v
	}
	for k, v := range c.Config.Properties {
		m[cmp.Or(aliases[k], k)] = v
	}
	m["bootstrap.servers"] = strings.Join(c.Config.Brokers, ",")
	for k, v := range more {
		m[k] = v
	}
	return &m
}

// What is fetched ahead of one partition's reader, at least and at most.
const (
	smallestQueue = 256 << 10
	largestQueue  = 4 << 20
)

// ahead is how many bytes may be fetched ahead of each of a group's partitions, about.
func (c *Client) ahead(g Group) int {
	if c.Ahead > 0 && g.Partitions > 0 {
		return max(smallestQueue, min(largestQueue, int(c.Ahead)/g.Partitions))
	}
	return largestQueue
}

func (c *Client) consumerConfig(g Group) *kafka.ConfigMap {
	session := 10 * time.Second
	if ms, err := strconv.Atoi(c.Config.Properties["session.timeout.ms"]); err == nil {
		session = time.Duration(ms) * time.Millisecond
	}
	queue := c.ahead(g)
	largest, _ := strconv.Atoi(c.Config.Properties["message.max.bytes"])
	return c.base(kafka.ConfigMap{
		"session.timeout.ms": int(session.Milliseconds()), "heartbeat.interval.ms": int(session.Milliseconds() / 4),
		"fetch.queue.backoff.ms": 10, // its default of a second pauses fetching for a second each time the queue is full
		"queued.min.messages":    100000, "queued.max.messages.kbytes": queue >> 10, "fetch.message.max.bytes": queue / 4, "fetch.max.bytes": max(4*queue, largest),
		"fetch.wait.max.ms": 250, "fetch.error.backoff.ms": 200, "check.crcs": false,
	}, kafka.ConfigMap{
		"group.id": g.Name, "partition.assignment.strategy": "cooperative-sticky",
		"enable.auto.commit": false, "enable.auto.offset.store": false, "isolation.level": "read_committed",
		"auto.offset.reset": "error", "enable.partition.eof": true,
	})
}

// glance is the configuration of a consumer that reads little, and at once.
func (c *Client) glance(group string) *kafka.ConfigMap {
	m := c.consumerConfig(Group{Name: group})
	for k, v := range map[string]any{
		"queued.max.messages.kbytes": smallestQueue >> 10, "fetch.message.max.bytes": smallestQueue / 4,
		"fetch.wait.max.ms": 10,
	} {
		(*m)[k] = v
	}
	return silent(m)
}

// silent makes a client say nothing at all: what has no log of its own would write past everybody else's, and debug raises its level.
func silent(m *kafka.ConfigMap) *kafka.ConfigMap {
	delete(*m, "debug")
	(*m)["log_level"] = 0
	return m
}

// Session is the session timeout of groups, as configured.
func (c *Client) Session() time.Duration {
	return milliseconds(c.consumerConfig(Group{}), "session.timeout.ms")
}

// milliseconds is what a property says, which may be a number or the user's text.
func milliseconds(m *kafka.ConfigMap, property string) time.Duration {
	v, _ := m.Get(property, nil)
	ms, _ := strconv.Atoi(fmt.Sprint(v))
	return time.Duration(ms) * time.Millisecond
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// LibraryVersion is the version of librdkafka inside.
func LibraryVersion() string {
	_, v := kafka.LibraryVersion()
	return v
}
