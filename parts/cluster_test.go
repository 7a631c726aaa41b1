package parts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestClusterProperties(t *testing.T) {
	o := ClusterOptions{Brokers: 3, Routes: 2, Heap: "1g", Properties: map[string]string{"min.insync.replicas": "1"},
		Advertise: func(route, node int, listen string) (string, error) { return fmt.Sprintf("r%dn%d:1", route, node), nil }}
	all, routes, err := o.brokers()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"r0n1:1,r0n2:1,r0n3:1", "r1n1:1,r1n2:1,r1n3:1"}; !slices.Equal(routes, want) {
		t.Errorf("routes %q, want %q", routes, want)
	}
	for i, k := range all {
		for name, want := range map[string]string{
			"advertised.listeners": fmt.Sprintf("PLAINTEXT://%s,R0://r0n%d:1,R1://r1n%[2]d:1", addr(k.Port), i+1),
			"min.insync.replicas":  "1",
		} {
			if got := k.Properties[name]; got != want {
				t.Errorf("%s=%s, want %s", name, got, want)
			}
		}
		if n := len(strings.Split(k.Properties["listeners"], ",")); n != 4 || k.Node != i+1 || k.Heap != "1g" || k.Voters != all[0].Voters {
			t.Errorf("broker %d of %d listeners: %+v", i, n, k)
		}
	}
	o.Advertise = func(int, int, string) (string, error) { return "", context.Canceled }
	if _, _, err := o.brokers(); err == nil || !strings.Contains(err.Error(), "route 0 to broker 1") {
		t.Errorf("an address that could not be had: %v", err)
	}
}

// client is a client that comes to a cluster by these addresses.
func client(t *testing.T, bootstrap string) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.MetadataMinAge(100*time.Millisecond),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.UnknownTopicRetries(100))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// of asks about a topic until the answer will do.
func of(t *testing.T, cl *kgo.Client, topic string, do func(*kmsg.MetadataResponse, kmsg.MetadataResponseTopicPartition) bool) {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &topic
	req.Topics = append(req.Topics, rt)
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		resp, err := req.RequestWith(t.Context(), cl)
		if err == nil && len(resp.Topics) == 1 && len(resp.Topics[0].Partitions) == 1 && do(resp, resp.Topics[0].Partitions[0]) {
			return
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%v, %+v", err, resp)
		}
	}
}

func TestClusterOutlivesAnyBroker(t *testing.T) {
	Kafka(t) // asks whether Kafka is installed; this test kills brokers of its own
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c, err := StartCluster(ctx, t.TempDir(), ClusterOptions{Routes: 1,
		Advertise: func(_, _ int, listen string) (string, error) {
			return strings.Replace(listen, "127.0.0.1", "localhost", 1), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Kill() })
	direct, by := client(t, c.Bootstrap), client(t, c.Routes[0])
	create(t, direct, "rows")
	produce := func() {
		t.Helper()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // 2 to 4 where the machine is its own
		defer cancel()
		if err := direct.ProduceSync(ctx, &kgo.Record{Topic: "rows", Value: []byte("row")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		t.Logf("produced in %v", time.Since(began).Round(time.Millisecond))
	}
	produce()
	leader := int32(0)
	of(t, direct, "rows", func(_ *kmsg.MetadataResponse, p kmsg.MetadataResponseTopicPartition) bool {
		leader = p.Leader
		return len(p.ISR) == 3
	})
	of(t, by, "rows", func(all *kmsg.MetadataResponse, _ kmsg.MetadataResponseTopicPartition) bool {
		for _, b := range all.Brokers {
			if !slices.Contains(strings.Split(c.Routes[0], ","), fmt.Sprintf("localhost:%d", b.Port)) || b.Host != "localhost" {
				t.Errorf("one who came by a route is sent to %s:%d", b.Host, b.Port)
			}
		}
		return len(all.Brokers) == 3
	})
	for _, b := range c.Brokers {
		if b.options.Node == int(leader) {
			if err := b.Kill(); err != nil {
				t.Fatal(err)
			}
			produce()
			if err := b.Restart(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	began := time.Now()
	of(t, direct, "rows", func(_ *kmsg.MetadataResponse, p kmsg.MetadataResponseTopicPartition) bool { return len(p.ISR) == 3 })
	t.Logf("in step again after %v", time.Since(began).Round(time.Millisecond))
}

func create(t *testing.T, cl *kgo.Client, topic string) {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, 1, 3
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range resp.Topics[0].Configs {
		if c.Name == "min.insync.replicas" && *c.Value != "2" {
			t.Errorf("%s=%s", c.Name, *c.Value)
		}
	}
}
