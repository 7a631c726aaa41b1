package kafka

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// arrival watches over a member that is on its way into the group. No rebalance may take longer than max.poll.interval.ms; a
// client that is at one and the same for longer has lost its way, and librdkafka has been seen never to find it again.
type arrival struct {
	limit time.Duration
	since time.Time // zero while the member is settled
	turn  int64     // of the last rebalance when it began
}

// standing is what the client says of itself in its statistics.
type standing struct {
	Cgrp struct {
		State     string `json:"state"`
		JoinState string `json:"join_state"`
		Reason    string `json:"rebalance_reason"`
	} `json:"cgrp"`
}

func (s standing) settled() bool { return s.Cgrp.State == "up" && s.Cgrp.JoinState == "steady" }

// newArrival asks, in the configuration of a client, for all that it is told of later.
func newArrival(m *kafka.ConfigMap) arrival {
	limit := milliseconds(m, "max.poll.interval.ms")
	if limit == 0 {
		limit = 5 * time.Minute // librdkafka's default
	}
	(*m)["statistics.interval.ms"] = int(min(limit/10, 10*time.Second).Milliseconds())
	return arrival{limit: limit}
}

// told returns an error once the member has been on its way for too long.
func (a *arrival) told(statistics string, turn int64, now time.Time) error {
	var s standing
	if err := json.NewDecoder(strings.NewReader(statistics)).Decode(&s); err != nil {
		return fmt.Errorf("kafka: statistics: %w", err)
	}
	switch {
	case s.settled():
		a.since = time.Time{}
	case a.since.IsZero() || turn != a.turn:
		a.since, a.turn = now, turn
	case now.Sub(a.since) > a.limit:
		return fmt.Errorf("this worker has been on its way into the group for %v, longer than max.poll.interval.ms; its client, in the states %s and %s after %q, is given up",
			now.Sub(a.since).Round(time.Second), s.Cgrp.State, s.Cgrp.JoinState, s.Cgrp.Reason)
	}
	return nil
}
