package parts

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestKafkaProperties(t *testing.T) {
	tests := []struct {
		name    string
		options KafkaOptions
		want    []string
	}{
		{"one broker", KafkaOptions{Port: 11, ControllerPort: 12}, []string{
			"node.id=1", "controller.quorum.voters=1@127.0.0.1:12", "advertised.listeners=PLAINTEXT://127.0.0.1:11",
			"log.dirs=/d/data", "offsets.topic.replication.factor=1", "transaction.state.log.min.isr=1",
			"group.min.session.timeout.ms=500", "group.initial.rebalance.delay.ms=0"}},
		{"one of three", KafkaOptions{Node: 2, Voters: "1@a:1,2@b:2,3@c:3", Properties: map[string]string{"offsets.topic.replication.factor": "3"}},
			[]string{"node.id=2", "controller.quorum.voters=1@a:1,2@b:2,3@c:3", "offsets.topic.replication.factor=3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := tt.options.filled()
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(o.properties("/d"), "\n")
			for _, want := range tt.want {
				if !slices.Contains(lines, want) {
					t.Errorf("no line %q in\n%s", want, strings.Join(lines, "\n"))
				}
			}
			names := map[string]bool{}
			for _, line := range lines {
				name, _, _ := strings.Cut(line, "=")
				if names[name] {
					t.Errorf("%s stands twice", name)
				}
				names[name] = true
			}
		})
	}
}

func TestBrokerIDs(t *testing.T) {
	reply := []byte{0, 0, 0, 7, 0, 0, 0, 2}
	for _, node := range []uint32{1, 300} {
		reply = binary.BigEndian.AppendUint32(reply, node)
		reply = append(reply, 0, 1, 'h', 0, 0, 9, 9)
		reply = append(reply, map[uint32]string{1: "\xff\xff", 300: "\x00\x02r1"}[node]...)
	}
	if got, err := brokerIDs(append(slices.Clone(reply), "the rest"...)); err != nil || !slices.Equal(got, []int32{1, 300}) {
		t.Errorf("brokers %v, error %v", got, err)
	}
	for n := range reply {
		if got, err := brokerIDs(reply[:n]); err == nil {
			t.Errorf("brokers %v of the first %d bytes", got, n)
		}
	}
}

func TestKafkaAnswers(t *testing.T) {
	brokers := Kafka(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := answers(ctx, brokers, 1); err != nil {
		t.Error(err)
	}
	if err := answers(ctx, brokers, 2); err == nil || !strings.Contains(err.Error(), "broker 2 is not in its cluster") {
		t.Errorf("asked for a broker that is not there: %v", err)
	}
}

func TestKafkaPausesDiesAndComesBack(t *testing.T) {
	Kafka(t) // asks whether Kafka is installed; this test pauses and kills one of its own
	b, err := StartKafka(t.Context(), t.TempDir(), KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Kill() })
	ask := func(up bool) error {
		ctx, cancel := context.WithTimeout(t.Context(), map[bool]time.Duration{false: time.Second, true: 20 * time.Second}[up])
		defer cancel()
		return answers(ctx, b.Brokers, 1)
	}
	step := func(what string, err error, up bool) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := ask(up); (err == nil) != up {
			t.Fatalf("after %s: up %v, error %v", what, up, err)
		}
	}
	step("pause", b.Pause(), false)
	step("resume", b.Resume(), true)
	step("kill", b.Kill(), false)
	before := b.Brokers
	step("restart", b.Restart(t.Context()), true)
	if b.Brokers != before {
		t.Errorf("was at %s, came back at %s", before, b.Brokers)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	step("stop", b.Stop(ctx), false)
}
