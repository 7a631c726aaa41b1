package chaos

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// wiredBeds makes beds on one broker, to which a wire leads.
func wiredBeds(t *testing.T) func(*testing.T) *bed {
	t.Helper()
	kafka, lan := routed(t, 1)
	return func(t *testing.T) *bed {
		t.Helper()
		b := newBedOn(t, kafka.Bootstrap)
		b.lan, b.kafka = lan, kafka
		return b
	}
}

// landsLate holds a commit back until the worker's client has given it up, sent it again and gone on: it lands over newer state, and
// no one is told. The worker's successor finds other rows to flush at once.
func (b *bed) landsLate() {
	b.t.Helper()
	b.make(b.name, 1)
	b.session = 30 * time.Second // of a member that had been missed meanwhile no commit would be taken
	b.file("connectors.yaml", strings.Replace(simple, "{rows: 10, every: 1s}", "{every: 200ms}", 1))
	b.byRoute(0, "connectors.yaml", b.kafka, `socket.timeout.ms: "2000"`)

	late := b.lan.routes[0].holdBack(commits, func(frame []byte) bool {
		return bytes.Contains(frame, []byte(b.group())) && bytes.Contains(frame, []byte(`"layout"`)) && !bytes.Contains(frame, []byte(`"end"`))
	}, 0)
	w := b.start()
	for range 3 {
		b.add(5, "")
		end := int64(b.sent)
		await(b.t, "the rows", func() bool { return b.remembered().offset == end })
	}
	select {
	case <-late.taken:
	default:
		b.t.Fatal("no commit was held back")
	}
	newest := b.remembered()
	late.release()
	if answer := <-late.answer; len(answer) == 0 {
		b.t.Fatal("the broker has not answered")
	}
	w.stop()
	if old := b.remembered(); old.offset >= newest.offset {
		b.t.Fatalf("the group remembers %v, as if nothing had landed over %v", old, newest)
	}
	b.add(5, "")
	b.drain()
	b.wantMark(20, 0, -1)
}

// TestNetworkCut cuts one of two workers off from the broker, for longer than its session, while the other takes its partitions over:
// each row is in one object, whether what had been on its way is lost or arrives afterwards.
func TestNetworkCut(t *testing.T) {
	t.Parallel()
	kafka, lan := routed(t, 4)
	for i, breaking := range []bool{false, true} {
		t.Run(fmt.Sprintf("breaking=%v", breaking), func(t *testing.T) {
			t.Parallel()
			b := newBedOn(t, kafka.Bootstrap)
			b.make(b.name, 2)
			var workers [2]*worker
			for j, file := range []string{"near.yaml", "far.yaml"} {
				b.file(file, strings.Replace(simple, "{rows: 10, every: 1s}", "{every: 200ms}", 1))
				b.byRoute(2*i+j, file, kafka, `socket.timeout.ms: "2000"`)
				workers[j] = b.start(file)
			}
			more := func(d time.Duration) {
				for began := time.Now(); time.Since(began) < d; time.Sleep(50 * time.Millisecond) {
					b.addTo(0, 5, "")
					b.addTo(1, 5, "")
				}
			}
			both := func() bool { return len(b.members(b.group())) == 2 }
			await(t, "both workers", both)
			more(time.Second)
			far := lan.routes[2*i+1]
			far.cut()
			more(3 * session)
			if both() {
				t.Error("the broker has not missed the worker that was cut off")
			}
			b.awaitEnd()
			far.mend(breaking)
			await(t, "the worker that was cut off", both)
			more(time.Second)
			b.awaitEnd()
			for _, w := range workers {
				w.stop()
			}
			b.wantAll()
			b.wantChain()
		})
	}
}

// routed is a broker of the test's own behind wires, by several routes.
func routed(t *testing.T, routes int) (*parts.Cluster, *network) {
	t.Helper()
	parts.Kafka(t) // asks whether Kafka is installed
	lan := &network{t: t}
	kafka, err := parts.StartCluster(t.Context(), t.TempDir(), parts.ClusterOptions{Brokers: 1, Routes: routes, Advertise: lan.advertise})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kafka.Kill() })
	return kafka, lan
}

// byRoute leads a file's workers to the cluster by a route, with one property more.
func (b *bed) byRoute(route int, name string, kafka *parts.Cluster, property string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	text, err := os.ReadFile(path)
	b.must("read", err)
	r := strings.NewReplacer(kafka.Bootstrap, kafka.Routes[route], "properties: {", "properties: {"+property+", ")
	b.must("write", os.WriteFile(path, []byte(r.Replace(string(text))), 0o600))
}
