package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/worker"
)

// question is whether what an option names can be used. The answer says what is there; asking changes nothing.
type question struct {
	option string
	ask    func(ctx context.Context) (text string, err error)
}

// answerTime is how long a question may go unanswered.
const answerTime = 30 * time.Second

// ask puts questions, after those on what Kafka has. Where no broker answers, nothing else is asked of them.
func (f *findings) ask(ctx context.Context, file *worker.File, sheet *plugin.Sheet, all []question, mask func(string) string) error {
	var wrong plugin.Problems
	put := func(q question) bool {
		within, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		text, err := q.ask(within)
		if err == nil {
			f.Asked = append(f.Asked, answer{finding{sheet.Line(q.option), q.option, mask(text)}, true})
			return true
		}
		problems := sheet.Problems(q.option, err)
		for _, p := range found(problems, mask) {
			f.Asked = append(f.Asked, answer{p, false})
		}
		wrong = append(wrong, problems...)
		return false
	}
	brokers := brokers{file: file, client: &kafka.Client{Config: file.Kafka}}
	answered := put(question{"kafka.brokers", brokers.answer})
	if answered {
		all = append(brokers.topics(), all...)
	}
	for _, q := range all {
		if put(q); ctx.Err() != nil {
			return errors.New("interrupted; not everything was asked")
		}
	}
	var stand map[string]int
	if answered {
		f.preview(ctx, brokers, sheet, mask)
		stand = brokers.partitions(ctx)
	}
	f.crowded(file, sheet, stand, mask)
	slices.SortStableFunc(f.Asked, func(a, b answer) int { return cmp.Compare(a.Line, b.Line) })
	slices.SortStableFunc(wrong, func(a, b plugin.Problem) int { return cmp.Compare(a.Line, b.Line) })
	if len(wrong) > 0 {
		return coded{wrong, exitEnvironment}
	}
	return nil
}

// preview warns of what a sample of the topics shows, such as too many paths. What cannot be sampled has been told already, or has no
// records yet.
func (f *findings) preview(ctx context.Context, b brokers, sheet *plugin.Sheet, mask func(string) string) {
	for _, e := range b.file.Connectors {
		if e.Config.Sink == nil || ctx.Err() != nil {
			continue
		}
		within, cancel := context.WithTimeout(ctx, answerTime)
		all, _ := connector.Previews(within, b.client, e.Name, e.Config)
		cancel()
		for _, p := range all {
			for _, text := range p.Warnings {
				f.Warnings = append(f.Warnings, found(sheet.Problems("connectors."+e.Name+".sink", fmt.Errorf("topic %s: %s", p.Topic, text)), mask)...)
			}
		}
	}
}

// outside is what to ask of plugins: of a source that does not know better, what there is to read.
func outside(file *worker.File, sheet *plugin.Sheet) (all []question) {
	for _, e := range file.Connectors {
		src := e.Config.Source
		if _, checks := src.(sink.Checked); src != nil && !checks {
			all = append(all, question{"connectors." + e.Name + ".source", func(ctx context.Context) (string, error) {
				splits, err := src.Splits(ctx)
				return "it has " + count(int64(len(splits)), "split"), err
			}})
		}
	}
	for _, p := range sheet.Plugins {
		if c, ok := p.Value.(sink.Checked); ok {
			all = append(all, question{p.Option, func(ctx context.Context) (string, error) { return "it can be used", c.Check(ctx) }})
		}
	}
	return all
}

// brokers asks for what connectors need of Kafka.
type brokers struct {
	file   *worker.File
	client *kafka.Client
}

func (b brokers) answer(ctx context.Context) (string, error) {
	return "brokers answer", reach(ctx, b.file)
}

// topics is what to ask of topics: those that sinks empty have to be there, the others are made.
func (b brokers) topics() (all []question) {
	made := map[string]string{} // topics, by the source that makes them
	for _, e := range b.file.Connectors {
		if e.Config.Source != nil {
			made[e.Config.Topic.Name] = e.Name
		}
	}
	add := func(option string, ask func(context.Context) (string, error)) {
		all = append(all, question{option, ask})
	}
	sources, sinks := false, false
	for _, e := range b.file.Connectors {
		at, c := "connectors."+e.Name, e.Config
		if c.Source != nil {
			sources = true
			add(at+".topic", b.stands(kafka.Topic{Name: c.Topic.Name}))
		}
		sinks = sinks || c.Sink != nil
		if match := c.Topics.Match.String(); match != "" {
			add(at+".topics.match", b.matching(c))
		}
		for i, topic := range c.Topics.Names {
			add(fmt.Sprintf("%s.topics[%d]", at, i), b.readable(e.Name, c, topic, made[topic]))
		}
		if c.Errors.OnBadRecord == "dead_letter" {
			add(at+".errors.topic", b.stands(kafka.Topic{Name: c.Errors.Topic}))
		}
	}
	if sources {
		add("kafka.offsets_topic", b.stands(kafka.Topic{Name: b.file.Kafka.OffsetsTopic, Compact: true}))
	}
	if sinks {
		add("kafka.state_topic", b.stands(kafka.Topic{Name: b.file.Kafka.StateTopic, Compact: true}))
	}
	return all
}

// stands asks for a topic that is made if it is absent.
func (b brokers) stands(t kafka.Topic) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		a, err := b.client.Admin()
		if err != nil {
			return "", err
		}
		defer a.Close()
		n, err := a.Stands(ctx, t)
		if errors.Is(err, kafka.ErrNoTopic) {
			return fmt.Sprintf("topic %s is not there yet, and will be made", t.Name), nil
		}
		return fmt.Sprintf("topic %s has %s", t.Name, count(int64(n), "partition")), err
	}
}

// partitions counts those of each topic that a sink reads, as far as brokers tell.
func (b brokers) partitions(ctx context.Context) (of map[string]int) {
	a, err := b.client.Admin()
	if err != nil {
		return nil
	}
	defer a.Close()
	within, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	of = map[string]int{}
	for _, e := range b.file.Connectors {
		names, _ := e.Config.TopicsNow(within, a) // what is wrong with them has been told
		for _, topic := range names {
			of[topic], _ = a.Partitions(within, topic)
		}
	}
	return of
}

// matching lists the topics that match.
func (b brokers) matching(c connector.Config) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		a, err := b.client.Admin()
		if err != nil {
			return "", err
		}
		defer a.Close()
		names, err := c.TopicsNow(ctx, a)
		if errors.Is(err, kafka.ErrNoTopic) {
			return "no topic matches yet; those that come to match are read then", nil
		}
		return fmt.Sprintf("%s: %s", count(int64(len(names)), "topic"), strings.Join(names, ", ")), err
	}
}

// readable reads a record of each partition of a topic that a sink empties, and what its group remembers.
func (b brokers) readable(name string, c connector.Config, topic, source string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		group := (&connector.Run{Name: name, Config: c}).Group()
		got, err := b.client.Sample(ctx, group, topic, 1)
		switch {
		case errors.Is(err, kafka.ErrNoTopic) && source != "":
			return fmt.Sprintf("topic %s is not there yet, and will be made by %s", topic, source), nil
		case errors.Is(err, kafka.ErrNoTopic):
			return "", fmt.Errorf("%w; make it, or mend its name", err)
		case err != nil:
			return "", fmt.Errorf("%w; look at the brokers, and allow the client to read the topic and to use the group %s", err, group)
		}
		return fmt.Sprintf("topic %s has %s, and can be read", topic, count(int64(len(got)), "partition")), nil
	}
}
