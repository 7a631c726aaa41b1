package worker

import (
	"errors"
	"fmt"
	"slices"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/plugin"
)

// beside refuses connectors that are sound alone, and would get in each other's way, or in that of what penstock keeps for itself.
func (f *File) beside() error {
	var errs []error
	for i, e := range f.Connectors {
		errs = append(errs, f.kept(e))
		if e.Config.Sink == nil {
			continue
		}
		for _, other := range f.Connectors[:i] {
			if other.Config.Sink != nil {
				errs = append(errs, sameGroup(other, e), circle(other, e))
			}
		}
	}
	return errors.Join(append(errs, f.sameNames())...)
}

// option makes an error one of a connector's option.
func (e Entry) option(name string, format string, args ...any) error {
	return plugin.Option("connectors."+e.Name+"."+name, fmt.Errorf(format, args...))
}

// kept refuses the topics that penstock keeps for itself, in the place of one of a connector's.
func (f *File) kept(e Entry) error {
	c := e.Config
	var errs []error
	refuse := func(option, name string) {
		own := map[string]string{f.Kafka.OffsetsTopic: "offsets_topic", f.Kafka.StateTopic: "state_topic"}[name]
		if name != "" && own != "" {
			errs = append(errs, e.option(option, "%s is kafka.%s, which penstock keeps for itself; name another topic", name, own))
		}
	}
	refuse("topic", c.Topic.Name)
	for i, name := range c.Topics.Names {
		refuse(fmt.Sprintf("topics[%d]", i), name)
	}
	refuse("errors.topic", c.Errors.Topic)
	return errors.Join(errs...)
}

// sameGroup refuses two sinks of one group: Kafka would give each a part of what both should read.
func sameGroup(a, b Entry) error {
	if a.group() != b.group() {
		return nil
	}
	if b.Config.Group == "" {
		a, b = b, a
	}
	return b.option("group", "%s is the group of the connector %s too, and Kafka would share the partitions out between the two; give each its own, or leave group out", b.Config.Group, a.Name)
}

func (e Entry) group() string { return (&connector.Run{Name: e.Name, Config: e.Config}).Group() }

// sameNames refuses sinks that would call files of one topic the same: the second to come would meet the other's, and be held.
func (f *File) sameNames() error {
	var errs []error
	refused := map[string]bool{}
	for _, topic := range f.spoken() {
		first := map[string]Entry{}
		for _, e := range f.Connectors {
			if e.Config.Sink == nil || refused[e.Name] || !e.empties(topic) {
				continue
			}
			names := e.Config.Names(topic)
			other, met := first[names]
			if !met || names == "" {
				first[names] = e
				continue
			}
			refused[e.Name] = true
			errs = append(errs, e.option("sink", "it would give the files of the topic %s the names that those of the connector %s have, in the same place; give one of the two another path, or a place of its own", topic, other.Name))
		}
	}
	return errors.Join(errs...)
}

// spoken is the topics that the file speaks of, and what stands for those that may come: the expressions that they match.
func (f *File) spoken() (all []string) {
	for _, e := range f.Connectors {
		all = append(append(all, e.Config.Topic.Name, e.Config.Topics.Match.String()), e.Config.Topics.Names...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// empties tells whether the connector empties a topic, or all that match an expression, written as one of its own.
func (e Entry) empties(topic string) bool {
	return topic != "" && (e.Config.Empties(topic) || topic == e.Config.Topics.Match.String())
}

// circle refuses two sinks each of which empties the topic of the other's dead letters: what neither can write would never rest.
func circle(a, b Entry) error {
	one, other := a.Config.Errors.Topic, b.Config.Errors.Topic
	if one == "" || other == "" || !b.Config.Empties(one) || !a.Config.Empties(other) {
		return nil
	}
	return b.option("errors.topic", "the connector %s empties it, and %s empties %s with its dead letters; a record that neither can write would go round for ever, so give the dead letters a topic that neither of them empties", a.Name, b.Name, one)
}
