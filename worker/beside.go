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
				errs = append(errs, sameGroup(other, e), f.sameNames(other, e), circle(other, e))
			}
		}
	}
	return errors.Join(errs...)
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

// sameNames refuses two sinks that would call files of one topic the same: the second to come would meet the other's, and be held.
func (f *File) sameNames(a, b Entry) error {
	for _, topic := range f.common(a, b) {
		if names := a.Config.Names(topic); names != "" && names == b.Config.Names(topic) {
			return b.option("sink", "it would give the files of the topic %s the names that those of the connector %s have, in the same place; give one of the two another path, or a place of its own", topic, a.Name)
		}
	}
	return nil
}

// common is the topics that two sinks empty, as far as the file speaks of them; of two that match the same, one that may come.
func (f *File) common(a, b Entry) (all []string) {
	for _, e := range f.Connectors {
		for _, topic := range append(slices.Clone(e.Config.Topics.Names), e.Config.Topic.Name) {
			if topic != "" && a.Config.Empties(topic) && b.Config.Empties(topic) {
				all = append(all, topic)
			}
		}
	}
	if match := a.Config.Topics.Match.String(); len(all) == 0 && match != "" && match == b.Config.Topics.Match.String() {
		return []string{match}
	}
	return all
}

// circle refuses two sinks each of which empties the topic of the other's dead letters: what neither can write would never rest.
func circle(a, b Entry) error {
	one, other := a.Config.Errors.Topic, b.Config.Errors.Topic
	if one == "" || other == "" || !b.Config.Empties(one) || !a.Config.Empties(other) {
		return nil
	}
	return b.option("errors.topic", "the connector %s empties it, and %s empties %s with its dead letters; a record that neither can write would go round for ever, so give the dead letters a topic that neither of them empties", a.Name, b.Name, one)
}
