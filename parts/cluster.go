package parts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// ClusterOptions are what a cluster may have otherwise than the defaults. The zero value is three brokers.
//
// Each broker has, beside its own listener, one more for each route. What a client that came by a route is told of the
// brokers is what Advertise says of that route: where that is a proxy's address, the client speaks to the broker by proxies alone.
type ClusterOptions struct {
	Brokers    int // 3
	Routes     int
	Advertise  func(route, node int, listen string) (addr string, err error) // called before any broker is started
	Heap       string                                                        // 256m, of each broker
	Properties map[string]string                                             // server properties; they replace any default
}

// A Cluster is running brokers, node 1 first, each of which is a voter of the controllers' quorum too.
type Cluster struct {
	Brokers   []*Broker
	Bootstrap string   // for bootstrap.servers
	Routes    []string // the same of each route
}

// StartCluster starts the brokers side by side, with data and logs in dir, and returns when each knows all others, so that topics
// can be made; ctx bounds that wait only. Where it fails no broker is left. Such a cluster heals in a few seconds from a broker
// that dies, whatever that one led.
func StartCluster(ctx context.Context, dir string, o ClusterOptions) (*Cluster, error) {
	cache, err := installed("kafka")
	if err != nil {
		return nil, err
	}
	o.Brokers, o.Heap = or(o.Brokers, 3), or(o.Heap, "256m")
	all, routes, err := o.brokers()
	if err != nil {
		return nil, err
	}
	c := &Cluster{Routes: routes}
	var addrs []string
	for _, k := range all {
		if k, err = k.filled(); err != nil {
			return nil, err
		}
		b := &Broker{Brokers: addr(k.Port), cache: cache, dir: filepath.Join(dir, strconv.Itoa(k.Node)), options: k}
		c.Brokers, addrs = append(c.Brokers, b), append(addrs, b.Brokers)
	}
	c.Bootstrap = strings.Join(addrs, ",")
	err = c.each(func(b *Broker) error { return b.format(ctx) })
	if err == nil {
		err = c.Restart(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", errors.Join(err, c.Kill()))
	}
	return c, nil
}

// Restart starts all brokers again, killing those that run, and returns when each knows all others.
func (c *Cluster) Restart(ctx context.Context) error {
	if err := c.Kill(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return c.each(func(b *Broker) error {
		err := b.Restart(ctx)
		if err == nil {
			err = b.ready(ctx, func(ctx context.Context) error { return answers(ctx, b.Brokers, c.nodes()...) })
		}
		if err != nil {
			cancel() // the others wait for this one
		}
		return err
	})
}

// Kill ends all brokers at once.
func (c *Cluster) Kill() error {
	return c.each(func(b *Broker) error {
		if b.Process == nil {
			return nil
		}
		return b.Kill()
	})
}

func (c *Cluster) nodes() (nodes []int32) {
	for _, b := range c.Brokers {
		nodes = append(nodes, int32(b.options.Node))
	}
	return nodes
}

// each does it with all brokers side by side.
func (c *Cluster) each(do func(*Broker) error) error {
	errs := make([]error, len(c.Brokers))
	var wg sync.WaitGroup
	for i, b := range c.Brokers {
		wg.Go(func() { errs[i] = do(b) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// brokers are the options of each broker, on free ports, and the addresses of each route.
func (o ClusterOptions) brokers() (all []KafkaOptions, routes []string, err error) {
	ports, err := FreePorts(o.Brokers * (2 + o.Routes))
	if err != nil {
		return nil, nil, err
	}
	var voters []string
	for node := 1; node <= o.Brokers; node++ {
		k := KafkaOptions{Node: node, Port: ports[0], ControllerPort: ports[1], Heap: o.Heap, Java: lean}
		voters = append(voters, fmt.Sprintf("%d@%s", node, addr(k.ControllerPort)))
		all, ports = append(all, k), ports[2:]
	}
	advertised := make([][]string, o.Routes)
	for i := range all {
		k := &all[i]
		k.Voters = strings.Join(voters, ",")
		told, err := o.listeners(k, ports[:o.Routes])
		if err != nil {
			return nil, nil, err
		}
		for r, to := range told {
			advertised[r] = append(advertised[r], to)
		}
		ports = ports[o.Routes:]
	}
	for _, of := range advertised {
		routes = append(routes, strings.Join(of, ","))
	}
	return all, routes, nil
}

// listeners completes a broker's properties with a listener on a port for each route; told is what each of them is advertised as.
func (o ClusterOptions) listeners(k *KafkaOptions, ports []int) (told []string, err error) {
	listen := fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s", addr(k.Port), addr(k.ControllerPort))
	advertise := "PLAINTEXT://" + addr(k.Port)
	protocols := "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
	for r, port := range ports {
		to, err := o.Advertise(r, k.Node, addr(port))
		if err != nil {
			return nil, fmt.Errorf("route %d to broker %d: %w", r, k.Node, err)
		}
		told = append(told, to)
		listen += fmt.Sprintf(",R%d://%s", r, addr(port))
		advertise += fmt.Sprintf(",R%d://%s", r, to)
		protocols += fmt.Sprintf(",R%d:PLAINTEXT", r)
	}
	k.Properties = clusterProperties(o.Brokers)
	k.Properties["listeners"] = listen
	k.Properties["advertised.listeners"] = advertise
	k.Properties["listener.security.protocol.map"] = protocols
	maps.Copy(k.Properties, o.Properties)
	return told, nil
}

// lean are options of a JVM that shares two cores with others.
var lean = []string{"-XX:+UseSerialGC", "-Xms64m", "-XX:TieredStopAtLevel=1"}

// clusterProperties are what a cluster's brokers have otherwise than one alone: copies, and deaths that are soon noticed.
func clusterProperties(brokers int) map[string]string {
	copies, enough := strconv.Itoa(brokers), strconv.Itoa(max(1, brokers-1))
	return map[string]string{
		"default.replication.factor":                copies,
		"offsets.topic.replication.factor":          copies,
		"transaction.state.log.replication.factor":  copies,
		"transaction.state.log.min.isr":             enough,
		"min.insync.replicas":                       enough,
		"unclean.leader.election.enable":            "false",
		"broker.heartbeat.interval.ms":              "400",
		"broker.session.timeout.ms":                 "2000",
		"replica.lag.time.max.ms":                   "3000",
		"controller.quorum.fetch.timeout.ms":        "1200",
		"controller.quorum.election.timeout.ms":     "600",
		"controller.quorum.election.backoff.max.ms": "300",
		"controller.quorum.request.timeout.ms":      "1000",
		"log.cleaner.backoff.ms":                    "500",
	}
}
