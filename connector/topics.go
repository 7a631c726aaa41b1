package connector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/penstock/penstock/kafka"
)

// Topics is what a sink empties: topics by their names, or all whose names match.
type Topics struct {
	Names []string `yaml:"names,short" doc:"Their names."`
	Match Match    `yaml:"match" doc:"A regular expression for whole names, in the place of names. Topics that come to match later are read within ten seconds; those that Kafka and penstock keep for themselves never match, nor does the connector's own topic of dead letters."`
}

func (t Topics) given() bool { return len(t.Names) > 0 || t.Match.whole != nil }

// Match is a regular expression for the whole of a name. Its zero value matches nothing.
type Match struct{ whole *regexp.Regexp }

// UnmarshalText reads a regular expression, as Go has them.
func (m *Match) UnmarshalText(text []byte) error {
	whole, err := regexp.Compile("^(?:" + string(text) + ")$")
	if err != nil || len(text) == 0 {
		return fmt.Errorf("%q is no regular expression for names of topics; write it as in stock.* or prices-(eu|us)", text)
	}
	m.whole = whole
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (m Match) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

func (m Match) String() string {
	if m.whole == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(m.whole.String(), "^(?:"), ")$")
}

// Empties tells whether a sink empties a topic of that name, should there be one that neither Kafka nor penstock keeps for itself.
func (c *Config) Empties(topic string) bool {
	m := c.Topics.Match.whole
	return slices.Contains(c.Topics.Names, topic) || m != nil && m.MatchString(topic) && topic != c.Errors.Topic
}

// TopicsNow is the names of the topics that a sink empties, as things are. Where none matches the error is kafka.ErrNoTopic.
func (c *Config) TopicsNow(ctx context.Context, a *kafka.Admin) ([]string, error) {
	if c.Topics.Match.whole == nil {
		return c.Topics.Names, nil
	}
	all, err := a.Topics(ctx)
	if err != nil {
		return nil, err
	}
	matching := slices.DeleteFunc(all, func(name string) bool { return !c.Empties(name) })
	if len(matching) == 0 {
		return nil, fmt.Errorf("topics that match %v: %w", c.Topics.Match, kafka.ErrNoTopic)
	}
	return matching, nil
}

// ofTopic makes what was found of a topic an error of the run: the next one begins with what there is then.
func ofTopic(err error) error {
	if errors.Is(err, kafka.ErrMadeAgain) || errors.Is(err, kafka.ErrNoTopic) {
		return whole{err}
	}
	return err
}

// lookForTopics is how often it is asked whether the topics are still those that are read.
const lookForTopics = 10 * time.Second

// whileTheyMatch is done with ctx, or when others match than the topics that are read, or one of them is gone or was made again;
// changed says so then.
func (r *Run) whileTheyMatch(ctx context.Context) (same context.Context, changed func() bool) {
	same, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for r.stillMatch(same) {
			select {
			case <-same.Done():
				return
			case <-time.After(lookForTopics):
			}
		}
		cancel(errOtherTopics)
	}()
	return same, func() bool {
		cancel(nil)
		<-ended
		return errors.Is(context.Cause(same), errOtherTopics)
	}
}

var errOtherTopics = errors.New("other topics match")

// stillMatch is false when other topics match. Where the brokers cannot be asked, nothing has changed: those who read say so.
func (r *Run) stillMatch(ctx context.Context) bool {
	a, err := r.Client.Admin()
	if err != nil {
		return true
	}
	defer a.Close()
	now, err := r.Config.TopicsNow(ctx, a)
	if err != nil {
		return !errors.Is(err, kafka.ErrNoTopic)
	}
	ids, err := a.IDs(ctx, now)
	if err != nil {
		return !errors.Is(err, kafka.ErrNoTopic)
	}
	return maps.Equal(ids, r.ids)
}
