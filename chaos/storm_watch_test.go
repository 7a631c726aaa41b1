package chaos

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What the harness asks the brokers while some of them may be away: each answer may be an error, and the question is put again.

// group is the consumer group of a sink.
func (r *round) group(s stormSink) string { return "connect-" + r.name + "-" + s.Name }

// calmTime is how long the pipeline may stand still before it is itself again, and how long a question may go without an answer.
// A group that was deleted walks forward through hundreds of intervals: that is no standing still.
const calmTime = 90 * time.Second

// awaitCalm waits until every prompt sink has made visible what stands on its topic now, and says how long that took, or that it never
// did: then the workers have been ended.
func (r *round) awaitCalm(after string) (took time.Duration, calm bool) {
	r.t.Helper()
	began := time.Now()
	targets, reached := map[string]map[int32]int64{}, map[string]int64{}
	var why error
	for moved := began; time.Since(moved) < calmTime && time.Since(began) < 10*time.Minute; {
		var where string
		var at int64
		if where, at, why = r.calm(targets); why == nil {
			return time.Since(began), true
		}
		if at > reached[where] {
			reached[where], moved = at, time.Now()
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.fails("after %s the pipeline has not recovered after %v: %v\n%s", after, time.Since(began).Round(time.Second), why, r.dump())
	return 0, false
}

// calm finds a partition that has not reached its target, and how far it is.
func (r *round) calm(targets map[string]map[int32]int64) (where string, at int64, err error) {
	for _, s := range r.sinks {
		topic := r.name + s.Topic
		if !s.Prompt {
			continue
		}
		if targets[topic] == nil {
			if targets[topic], err = r.askEnds(topic, 1); err != nil {
				return "", 0, err
			}
		}
		now, err := r.offsets(r.group(s), topic, len(targets[topic]))
		if err != nil {
			return "", 0, err
		}
		for p, end := range targets[topic] {
			if now[p] < end {
				return fmt.Sprint(s.Name, " ", p), now[p], fmt.Errorf("%s: partition %d stands at %d of %d", s.Name, p, now[p], end)
			}
		}
	}
	return "", 0, nil
}

// offsets gives what a group has committed of each partition.
func (r *round) offsets(group, topic string, partitions int) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req := kmsg.NewOffsetFetchRequest()
	ft := kmsg.NewOffsetFetchRequestTopic()
	gt := kmsg.NewOffsetFetchRequestGroupTopic()
	ft.Topic, gt.Topic = topic, topic
	for p := range int32(partitions) {
		ft.Partitions, gt.Partitions = append(ft.Partitions, p), append(gt.Partitions, p)
	}
	fg := kmsg.NewOffsetFetchRequestGroup()
	fg.Group, fg.Topics = group, append(fg.Topics, gt)
	req.Group, req.Topics, req.Groups = group, append(req.Topics, ft), append(req.Groups, fg)
	got, err := req.RequestWith(ctx, r.cl)
	if err == nil {
		err = kerr.ErrorForCode(got.Groups[0].ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("offsets of %s: %w", group, err)
	}
	all := map[int32]int64{}
	for _, t := range got.Groups[0].Topics {
		for _, p := range t.Partitions {
			all[p.Partition] = p.Offset
		}
	}
	return all, nil
}

// awaitSettled waits until no transaction on a topic is open: what follows one is for nobody to read, and so not for a drain.
func (r *round) awaitSettled(topic string) {
	r.t.Helper()
	r.retried("transactions on "+topic, func(context.Context) error {
		stable, err := r.askEnds(topic, 1)
		if err != nil {
			return err
		}
		ends, err := r.askEnds(topic, 0)
		if err == nil && !maps.Equal(stable, ends) {
			err = fmt.Errorf("those that can be read end at %v, all at %v", stable, ends)
		}
		return err
	})
}

// retried puts a question until it is answered.
func (r *round) retried(what string, ask func(context.Context) error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), calmTime)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			r.fails("%s: %v", what, err)
			r.t.FailNow()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// coordinates is the id of the broker that a group has for its coordinator.
func (r *round) coordinates(group string) (node int32) {
	r.t.Helper()
	r.retried("coordinator of "+group, func(ctx context.Context) error {
		req := kmsg.NewFindCoordinatorRequest()
		req.CoordinatorKey, req.CoordinatorKeys = group, []string{group}
		got, err := req.RequestWith(ctx, r.cl)
		if err != nil {
			return err
		}
		node = got.NodeID
		if len(got.Coordinators) > 0 {
			node = got.Coordinators[0].NodeID
			return kerr.ErrorForCode(got.Coordinators[0].ErrorCode)
		}
		return kerr.ErrorForCode(got.ErrorCode)
	})
	return node
}
