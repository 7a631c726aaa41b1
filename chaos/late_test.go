package chaos

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock/penstock/parts"
)

// wiredBeds makes beds on one broker, to which a wire leads.
func wiredBeds(t *testing.T) func(*testing.T) *bed {
	t.Helper()
	parts.Kafka(t) // asks whether Kafka is installed
	lan := &network{t: t}
	kafka, err := parts.StartCluster(t.Context(), t.TempDir(), parts.ClusterOptions{Brokers: 1, Routes: 1, Advertise: lan.advertise})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kafka.Kill() })
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
	b.file("connectors.yaml", strings.Replace(simple, "{rows: 10, every: 1s}", "{every: 200ms}", 1))
	b.byRoute("connectors.yaml", b.kafka, `socket.timeout.ms: "1000"`)

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
	w.must("kill", w.Kill())
	if old := b.remembered(); old.offset >= newest.offset {
		b.t.Fatalf("the group remembers %v, as if nothing had landed over %v", old, newest)
	}
	b.add(5, "")
	b.drain()
	b.wantMark(20, 0, -1)
}

// byRoute leads a file's workers to the cluster by its first route, with one property more.
func (b *bed) byRoute(name string, kafka *parts.Cluster, property string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	text, err := os.ReadFile(path)
	b.must("read", err)
	r := strings.NewReplacer(kafka.Bootstrap, kafka.Routes[0], "properties: {", "properties: {"+property+", ")
	b.must("write", os.WriteFile(path, []byte(r.Replace(string(text))), 0o600))
}
