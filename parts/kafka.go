package parts

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// KafkaOptions are what a broker may have otherwise than the defaults. The zero value is a cluster of one broker.
//
// Brokers of one cluster share ClusterID and Voters, and each has its own Node and ControllerPort; they must be started
// side by side, since none is ready before most of the voters are up.
type KafkaOptions struct {
	Node           int               // 1
	Port           int               // a free one
	ControllerPort int               // a free one
	Voters         string            // controller.quorum.voters: this broker alone
	ClusterID      string            // one for all clusters of one broker
	Heap           string            // 512m
	Java           []string          // more options of the JVM
	Properties     map[string]string // server properties; they replace any default
}

// A Broker is a running Kafka broker that is its own controller. Restart may not be called beside other methods.
type Broker struct {
	*Process
	Brokers string // host:port, for bootstrap.servers

	cache   Cache
	dir     string
	options KafkaOptions
}

// StartKafka starts a broker with its data and log in dir and returns when it answers; ctx bounds that wait only.
// A dir that holds a broker's data already is taken up again.
func StartKafka(ctx context.Context, dir string, o KafkaOptions) (*Broker, error) {
	cache, err := installed("kafka")
	if err != nil {
		return nil, err
	}
	if o, err = o.filled(); err != nil {
		return nil, err
	}
	b := &Broker{Brokers: addr(o.Port), cache: cache, dir: dir, options: o}
	if err := b.format(ctx); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	if err := b.Restart(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// Restart starts the broker again on the same port and data, killing it first if it runs, and returns when it answers.
func (b *Broker) Restart(ctx context.Context) error {
	if b.Process != nil {
		if err := b.Kill(); err != nil {
			return err
		}
	}
	args := append(slices.Clone(b.options.Java), "-Xmx"+b.options.Heap, "kafka.Kafka", b.config())
	p, err := Start(b.dir, "kafka", b.java(context.WithoutCancel(ctx), args...))
	if err != nil {
		return err
	}
	b.Process = p
	return p.ready(ctx, func(ctx context.Context) error {
		return answers(ctx, b.Brokers, int32(b.options.Node))
	})
}

func (b *Broker) config() string { return filepath.Join(b.dir, "server.properties") }

// format writes the configuration and, for a new broker, the storage.
func (b *Broker) format(ctx context.Context) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(b.config(), []byte(b.options.properties(b.dir)), 0o644); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(b.dir, "data", "meta.properties")); err == nil {
		return nil
	}
	cmd := b.java(ctx, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format",
		"--cluster-id", b.options.ClusterID, "--config", b.config())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format storage: %w\n%s", err, tail(out, 20))
	}
	return nil
}

func (b *Broker) java(ctx context.Context, args ...string) *exec.Cmd {
	fixed := []string{"-cp", filepath.Join(b.cache.jars(), "*"), "-Djava.awt.headless=true",
		"-Dlog4j2.configurationFile=" + b.cache.path("kafka", "log4j2.properties")}
	return exec.CommandContext(ctx, "java", append(fixed, args...)...)
}

// filled is o with a value for every option but Java and Properties.
func (o KafkaOptions) filled() (KafkaOptions, error) {
	ports, err := FreePorts(2)
	if err != nil {
		return o, err
	}
	o.Node = or(o.Node, 1)
	o.Port = or(o.Port, ports[0])
	o.ControllerPort = or(o.ControllerPort, ports[1])
	o.Voters = or(o.Voters, fmt.Sprintf("%d@%s", o.Node, addr(o.ControllerPort)))
	o.ClusterID = or(o.ClusterID, "cGVuc3RvY2sta2Fma2EtMQ")
	o.Heap = or(o.Heap, "512m")
	return o, nil
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// properties is the text of server.properties for data below dir.
func (o KafkaOptions) properties(dir string) string {
	all := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        strconv.Itoa(o.Node),
		"controller.quorum.voters":       o.Voters,
		"listeners":                      fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s", addr(o.Port), addr(o.ControllerPort)),
		"advertised.listeners":           "PLAINTEXT://" + addr(o.Port),
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"controller.listener.names":      "CONTROLLER",
		"inter.broker.listener.name":     "PLAINTEXT",
		"log.dirs":                       filepath.Join(dir, "data"),
		// A topic is there because somebody made it, and rows that bear old dates stay.
		"auto.create.topics.enable": "false",
		"log.retention.ms":          "-1",
		// Tests start groups by the dozen and let members die.
		"group.min.session.timeout.ms":             "500",
		"group.initial.rebalance.delay.ms":         "0",
		"offsets.topic.num.partitions":             "8",
		"offsets.topic.replication.factor":         "1",
		"transaction.state.log.num.partitions":     "8",
		"transaction.state.log.replication.factor": "1",
		"transaction.state.log.min.isr":            "1",
		"log.cleaner.dedupe.buffer.size":           "4194304", // of the heap
		"log.cleaner.backoff.ms":                   "200",     // tests wait for it
	}
	maps.Copy(all, o.Properties)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "%s=%s\n", name, all[name])
	}
	return text.String()
}
