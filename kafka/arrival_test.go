package kafka

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestWhoNeverArrivesIsGivenUp, whether it was never in the group or has fallen out of it; who has arrived stays, however long that is.
func TestWhoNeverArrivesIsGivenUp(t *testing.T) {
	t.Parallel()
	const limit = 6 * time.Second
	var refuses atomic.Bool
	c, asked := refusing(t, int16(kmsg.JoinGroup), 1<<30, func(r kmsg.Request) kmsg.Response {
		if !refuses.Load() {
			return nil
		}
		out := r.ResponseKind().(*kmsg.JoinGroupResponse)
		out.ErrorCode = int16(kafka.ErrCoordinatorLoadInProgress)
		return out
	})
	c.Config.Properties = map[string]string{"session.timeout.ms": "6000", "max.poll.interval.ms": "6000"}
	came := make(chan string, 10)
	consume := func(ctx context.Context) error {
		return c.Consume(ctx, Group{Name: "g", Topics: []string{"t"}, Revoke: time.Second, Drain: time.Second, Changed: func(what string, _ []string) { came <- what },
			Own: func(_ context.Context, p *Partition) error { <-p.Stopped(); return nil }})
	}

	refuses.Store(true)
	began := time.Now()
	err := consume(t.Context())
	if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "on its way into the group") || took < limit || took > 2*limit {
		t.Errorf("it ends after %v: %v", took, err)
	}
	if len(came) > 0 || asked.Load() == 0 {
		t.Errorf("%d questions were refused, and yet it says %q", asked.Load(), <-came)
	}

	refuses.Store(false)
	ctx, cancel := context.WithTimeout(t.Context(), 2*limit)
	defer cancel()
	if err := consume(ctx); err != nil || len(came) == 0 || <-came != Joined {
		t.Errorf("who has arrived: %v", err)
	}
}
