package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	confluent "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/penstock/penstock/record"
)

// Workers that start together, and meet the same new column together, all get on: those who are overtaken take what the
// quickest wrote down.
func TestManyWriteDownTheSame(t *testing.T) {
	r := newRig(t, 1)
	const workers = 8
	text := r.local("")
	books := make([]*book, workers)
	each := func(f func(i int) error) {
		t.Helper()
		var all sync.WaitGroup
		for i := range workers {
			all.Go(func() {
				if err := f(i); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	each(func(i int) (err error) {
		run := &Run{Name: r.topic, Config: decode(t, text), Client: r.client, Log: slog.New(slog.DiscardHandler)}
		books[i], err = openBook(t.Context(), run)
		return err
	})
	if t.Failed() {
		return
	}
	each(func(i int) error {
		in, err := books[i].latest(r.topic)
		if err != nil {
			return err
		}
		in, err = books[i].extend(t.Context(), r.topic, in, []record.Column{{Name: fmt.Sprint("c", i), Type: record.Type{Kind: record.String}}})
		if err == nil && in.version != 1 {
			err = fmt.Errorf("worker %d has version %d", i, in.version)
		}
		return err
	})
	for i, b := range books {
		if got, first := string(b.kept[b.schemaKey(r.topic, 1)]), string(books[0].kept[b.schemaKey(r.topic, 1)]); got == "" || got != first {
			t.Errorf("worker %d knows version 1 as %s, another as %s", i, got, first)
		}
	}
}

// Where the topic cannot be read, nothing that is known is forgotten, and no partition is to blame.
func TestABookThatCannotBeRead(t *testing.T) {
	r := newRig(t, 1)
	r.client.Config.StateTopic = r.topic + "-state"
	run := &Run{Name: r.topic, Config: decode(t, r.local("")), Client: r.client, Log: slog.New(slog.DiscardHandler)}
	b, err := openBook(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	now, err := b.latest(r.topic)
	if err != nil {
		t.Fatal(err)
	}
	if now, err = b.extend(t.Context(), r.topic, now, []record.Column{seenDouble("a")}); err != nil || now.version != 1 {
		t.Fatal(now, err)
	}
	r.operator(func(a *confluent.AdminClient) error {
		_, err := a.DeleteTopics(t.Context(), []string{r.client.Config.StateTopic})
		return err
	})
	var end whole
	if _, err := b.extend(t.Context(), r.topic, now, []record.Column{seenDouble("b")}); !errors.As(err, &end) {
		t.Errorf("to write: %v", err)
	}
	if _, err := b.earlier(t.Context(), "beef", r.topic, 1); !errors.As(err, &end) {
		t.Errorf("to look up: %v", err)
	}
	if now, err = b.latest(r.topic); err != nil || now.version != 1 {
		t.Errorf("version %d is the last one known, %v", now.version, err)
	}
}

// TestOnlyWhoWritesWaitsForBrokers, and each for as long as its own partition is ours.
func TestOnlyWhoWritesWaitsForBrokers(t *testing.T) {
	r := newRig(t, 1)
	run := &Run{Name: r.topic, Config: decode(t, r.local("")), Client: r.client, Log: slog.New(slog.DiscardHandler)}
	b, err := openBook(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	now, err := b.latest(r.topic)
	if err != nil {
		t.Fatal(err)
	}
	first, give := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.alone(first, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }) // as brokers that are away have it
	}()
	eventually(t, "the first waits for brokers", func() bool { return len(b.turn) == 1 })
	began := time.Now()
	second, revoke := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer revoke()
	if _, err := b.extend(second, r.topic, now, []record.Column{seenDouble("a")}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second: %v", err)
	}
	if _, err := b.earlier(second, "beef", r.topic, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("to look up what is not known: %v", err)
	}
	if known, err := b.earlier(t.Context(), now.layout, r.topic, now.version); err != nil || known != now {
		t.Errorf("to look up what is known: %v", err)
	}
	if all, err := b.past(r.topic); err != nil || len(all) != 1 {
		t.Errorf("to look back: %v, %v", all, err)
	}
	if took := time.Since(began); took > 5*time.Second || len(b.turn) == 0 {
		t.Errorf("after %v", took)
	}
	give()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	if now, err = b.extend(t.Context(), r.topic, now, []record.Column{seenDouble("a")}); err != nil || now.version != 1 {
		t.Errorf("the next: %v", err)
	}
}
