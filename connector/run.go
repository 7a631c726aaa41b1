package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/penstock/penstock/kafka"
)

// Run is one run of one connector, from its start to the error or the word that ends it.
type Run struct {
	Name   string
	Config Config
	Client *kafka.Client
	Budget *Budget
	Log    *slog.Logger
	Status *Status
	Mask   func(text string) string // takes secrets out of what dead letters say; may be nil

	// Build makes the configuration anew as it was when text was its layout, with today's endpoints and credentials.
	Build func(text string) (Config, error)

	book    *book
	letters *kafka.Letters
	hooks   *announcer
	topics  []string          // that the sink empties
	ids     map[string]string // of each
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

// write is the journey out: topics into the sink, begun again when other topics match.
func (r *Run) write(ctx context.Context) error {
	for {
		partitions, err := r.topicsStand(ctx)
		if err != nil {
			return err
		}
		same, others := r.whileTheyMatch(ctx)
		err = r.empty(same, partitions)
		if !others() || err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		r.Log.Info("the topics have changed", "connector", r.Name, "before", strings.Join(r.topics, " "))
	}
}

// empty moves what comes to the topics into the sink.
func (r *Run) empty(ctx context.Context, partitions int) (err error) {
	if r.book, err = openBook(ctx, r); err != nil {
		return err
	}
	if err := r.book.pin(ctx); err != nil {
		return err
	}
	starts, err := r.book.starts(ctx)
	if err != nil {
		return err
	}
	r.letters = &kafka.Letters{Client: r.Client, ID: fmt.Sprintf("%s/%s", r.Group(), instance()), Point: point}
	defer r.letters.Close()
	defer r.Budget.reserve(PerSink)()
	r.hooks = newAnnouncer(r)
	defer r.hooks.stop()
	return r.Client.Consume(ctx, kafka.Group{
		Name: r.Group(), Topics: r.topics, Partitions: partitions, Starts: starts, Own: r.own,
		Revoke: r.Client.Session() / 2, Drain: drainTime, Changed: r.changed,
		Retried: func(p *kafka.Partition, err error, pause time.Duration) { r.retried(p, err, pause) },
	})
}

// changed writes down how the membership of the connector's group goes.
func (r *Run) changed(what string, partitions []string) {
	switch what {
	case kafka.Joined:
		r.Status.member(true)
	case kafka.LostPartitions, kafka.Left:
		r.Status.member(false)
	}
	args := []any{"connector", r.Name, "group", r.Group()}
	if len(partitions) > 0 {
		args = append(args, "partitions", strings.Join(partitions, " "))
	}
	r.Log.Info(what, args...)
}

// instance tells this process from every other: two containers may have the host's name and the same process id.
var instance = sync.OnceValue(func() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%08x", host, os.Getpid(), rand.Uint32())
})

// topicsStand makes the topic of dead letters, and asks for every other, since a consumer of one that is missing would wait without a
// word. It says how many partitions those have.
func (r *Run) topicsStand(ctx context.Context) (partitions int, err error) {
	a, err := r.Client.Admin()
	if err != nil {
		return 0, err
	}
	defer a.Close()
	if err := r.deadTopic(ctx, a); err != nil {
		return 0, err
	}
	for began := time.Now(); ; {
		partitions, err = r.partitions(ctx, a)
		if !errors.Is(err, kafka.ErrNoTopic) || time.Since(began) > topicTime {
			return partitions, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// partitions finds the topics that there are to empty, and how many partitions they have.
func (r *Run) partitions(ctx context.Context, a *kafka.Admin) (partitions int, err error) {
	if r.topics, err = r.Config.TopicsNow(ctx, a); err != nil {
		return 0, err
	}
	for _, t := range r.topics {
		n, err := a.Partitions(ctx, t)
		if err != nil {
			return 0, err
		}
		partitions += n
	}
	r.ids, err = a.IDs(ctx, r.topics)
	return partitions, err
}

// deadTopic makes the topic of dead letters.
func (r *Run) deadTopic(ctx context.Context, a *kafka.Admin) error {
	if r.Config.Errors.OnBadRecord != "dead_letter" {
		return nil
	}
	_, err := a.Ensure(ctx, kafka.Topic{Name: r.Config.Errors.Topic})
	return err
}

// topicTime is how long a topic is waited for that somebody, maybe a source of the same file, is about to make.
const topicTime = 5 * time.Second
