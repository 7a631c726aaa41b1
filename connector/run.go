package connector

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
)

// Run is one run of one connector, from its start to the error or the word that ends it.
type Run struct {
	Name   string
	Config Config
	Client *kafka.Client
	Budget *Budget
	Log    *slog.Logger
	Status *Status

	schema *record.Schema
	layout string
	hooks  *announcer
}

// Group is the consumer group by which workers share the connector out.
func (r *Run) Group() string {
	if r.Config.Group != "" {
		return r.Config.Group
	}
	return "connect-" + r.Name
}

// drainTime is how long a process that ends may take to make visible what it has taken in.
const drainTime = 25 * time.Second

// Do runs the connector until ctx is done, then finishes what was begun. An error is one of the whole connector: it can be run again.
func (r *Run) Do(ctx context.Context) error {
	run := r.write
	if r.Config.Source != nil {
		run = r.read
	}
	err := run(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) { // told to end before anything was begun
		return nil
	}
	return err
}

// write is the journey out: topics into the sink.
func (r *Run) write(ctx context.Context) (err error) {
	if r.schema, err = r.Config.schema(); err != nil {
		return err
	}
	r.layout = layoutHash(r.Config.Layout)
	if err := r.topicsStand(ctx); err != nil {
		return err
	}
	r.hooks = newAnnouncer(r)
	defer r.hooks.stop()
	return r.Client.Consume(ctx, kafka.Group{
		Name: r.Group(), Topics: r.Config.Topics, From: r.Config.From.From, Own: r.own,
		Revoke: r.Client.Session() / 2, Drain: drainTime,
	})
}

// topicsStand asks for every topic, since a consumer of one that is missing would wait without a word.
func (r *Run) topicsStand(ctx context.Context) error {
	a, err := r.Client.Admin()
	if err != nil {
		return err
	}
	defer a.Close()
	for began := time.Now(); ; {
		for _, t := range r.Config.Topics {
			if _, err = a.Partitions(ctx, t); err != nil {
				break
			}
		}
		if !errors.Is(err, kafka.ErrNoTopic) || time.Since(began) > topicTime {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// topicTime is how long a topic is waited for that somebody, maybe a source of the same file, is about to make.
const topicTime = 5 * time.Second

// rules is raised when the code that decides names, rows or verdicts changes: what an older one planned is then of another layout.
const rules = 1

func layoutHash(text string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", rules, text))
	return hex.EncodeToString(sum[:8])
}
