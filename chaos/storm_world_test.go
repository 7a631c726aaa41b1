package chaos

import (
	"context"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// world is what the rounds of a storm share: a cluster of three brokers, a store, and each worker's own wires to the brokers.
type world struct {
	*parts.Cluster
	store parts.S3Access
	lan   *network // each seat's route to the brokers
}

// seats is how many workers there may be at once; one of them is empty but when a worker has joined.
const seats = 4

func newWorld(t *testing.T) *world {
	t.Helper()
	parts.Python(t) // asks whether the parts are installed
	w := &world{lan: &network{t: t}}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cluster, err := parts.StartCluster(ctx, t.TempDir(), parts.ClusterOptions{Routes: seats, Advertise: w.lan.advertise})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Kill() })
	w.Cluster, w.store = cluster, startStore(t, ctx)
	tell("storm: three brokers and %s after %v", *stormStore, time.Since(began).Round(time.Second))
	return w
}

func startStore(t *testing.T, ctx context.Context) parts.S3Access {
	t.Helper()
	var process *parts.Process
	var access parts.S3Access
	switch *stormStore {
	case "minio":
		m, err := parts.StartMinIO(ctx, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		process, access = m.Process, m.S3
	case "versity":
		v, err := parts.StartVersity(ctx, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		process, access = v.Process, v.S3
	default:
		t.Fatalf("-storm.store=%s: minio or versity", *stormStore)
	}
	t.Cleanup(func() { process.Kill() })
	return access
}
