// Package worker is the process: it starts the connectors of a file, begins again what failed, and ends when told or when all is read.
package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
)

// File is connectors.yaml.
type File struct {
	Kafka      kafka.Config `yaml:"kafka" doc:"The Kafka cluster."`
	Memory     plugin.Size  `yaml:"memory" doc:"How much memory the rows that are held, the clients of sinks and what these read ahead may take, in the whole process: docs/operations.md."`
	Listen     string       `yaml:"listen" doc:"Address for /health, /ready and /metrics, such as 127.0.0.1:8083; none if not said."`
	Connectors []Entry      `yaml:"connectors" required:"true" doc:"The connectors, by name."`

	name string
	mask func(string) string // of the registry: takes secrets out of a text
}

// Entry is one connector with its name.
type Entry struct {
	Name   string           `yaml:",key"`
	Config connector.Config `yaml:",value"`
}

// Default is where an entry starts from.
func (e *Entry) Default() { e.Config = connector.Defaults() }

// smallest is the least budget: what holds a batch, its rows and a file in the making.
const smallest = 16 << 20

// Check holds the rules between options.
func (f *File) Check() error {
	var errs []error
	n := f.partitions(nil)
	switch {
	case f.Memory < smallest:
		errs = append(errs, plugin.Option("memory", fmt.Errorf("%v is too little; at least %v", f.Memory, plugin.Size(smallest))))
	case int64(f.Memory) < n*connector.PerPartition:
		errs = append(errs, plugin.Option("memory", fmt.Errorf("%v is too little for the %d partitions that the sinks read; at least %v, %v for each",
			f.Memory, n, plugin.Size(n*connector.PerPartition), plugin.Size(connector.PerPartition))))
	}
	errs = append(errs, f.topics(), f.beside())
	if f.Listen != "" {
		if _, port, err := net.SplitHostPort(f.Listen); err != nil || !isPort(port) {
			errs = append(errs, plugin.Option("listen", fmt.Errorf("%q is not an address to listen on; write it as in 127.0.0.1:8083, or :8083 for all addresses", f.Listen)))
		}
	}
	return errors.Join(errs...)
}

// topics sees to it that whichever source comes first makes a topic with the same partitions: one that does not say how many goes by
// another that does, and two that say different things are refused.
func (f *File) topics() error {
	var errs []error
	says := map[string]Entry{}
	for _, e := range f.Connectors {
		t := e.Config.Topic
		other, is := says[t.Name]
		switch {
		case t.Partitions == 0:
		case !is:
			says[t.Name] = e
		case other.Config.Topic.Partitions != t.Partitions:
			errs = append(errs, plugin.Option("connectors."+e.Name+".topic", fmt.Errorf("%s makes the topic %s with another number of partitions; say the same in both", other.Name, t.Name)))
		}
	}
	for i := range f.Connectors {
		t := &f.Connectors[i].Config.Topic
		t.Partitions = cmp.Or(t.Partitions, says[t.Name].Config.Topic.Partitions)
	}
	return errors.Join(errs...)
}

func isPort(port string) bool {
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}

// partitions counts those that the sinks read: of topics as they stand, as the file says that they will be made, and otherwise one.
func (f *File) partitions(stand map[string]int) (n int64) {
	known := maps.Clone(stand)
	if known == nil {
		known = map[string]int{}
	}
	for _, e := range f.Connectors {
		known[e.Config.Topic.Name] = max(known[e.Config.Topic.Name], e.Config.Topic.Partitions)
	}
	for _, e := range f.Connectors {
		for _, topic := range e.Config.Topics.Names {
			n += int64(max(known[topic], 1))
		}
		for topic := range stand {
			if e.Config.Empties(topic) && !slices.Contains(e.Config.Topics.Names, topic) {
				n += int64(known[topic])
			}
		}
	}
	return n
}

// Crowded says what the sinks and their partitions take beside rows, where memory has no room for it: then the process takes more than
// it was given. Topics that stand have so many partitions; of others it goes by the file.
func (f *File) Crowded(stand map[string]int) error {
	sinks, partitions := 0, f.partitions(stand)
	for _, e := range f.Connectors {
		if e.Config.Sink != nil {
			sinks++
		}
	}
	return crowded(f.Memory, int64(sinks)*connector.PerSink+partitions*connector.PerPartition)
}

// crowded says that memory has no room for so much beside the quarter of it that is for rows in any case, and what has.
func crowded(memory plugin.Size, beside int64) error {
	if beside <= int64(memory)/4*3 {
		return nil
	}
	const mib = 1 << 20
	least := (4*beside + 3*mib - 1) / (3 * mib) * mib
	return fmt.Errorf("%v is too little: the clients of the sinks take %v each, what is read ahead of a partition %v, and rows a quarter in any case, so that the process will take more; give it at least %v, or spread the connectors over several processes",
		memory, plugin.Size(connector.PerSink), plugin.Size(connector.PerPartition), plugin.Size(least))
}

// Defaults is where a File starts from.
func Defaults() *File { return &File{Kafka: kafka.Defaults(), Memory: 256 << 20} }

// Read reads a file's text and builds what it names. The error lists every problem.
func Read(r *plugin.Registry, name string, text []byte, opts ...plugin.DecodeOption) (*File, error) {
	f := Defaults()
	f.name, f.mask = name, r.Mask
	if err := plugin.Decode(r, name, text, f, opts...); err != nil {
		return nil, err
	}
	return f, nil
}

// Ends refuses, as Problems, sources that have no end: a drain would wait for them in vain.
func (f *File) Ends() error {
	var endless plugin.Problems
	for _, e := range f.Connectors {
		if option, waits := e.Config.Endless(); option != "" && !waits {
			endless = append(endless, plugin.Problem{File: f.name, Line: e.Config.Line, Option: "connectors." + e.Name + ".source",
				Err: fmt.Errorf("%s has no end to wait for; take it out, or run without --drain, or dev with --keep", option)})
		}
	}
	if len(endless) > 0 {
		return endless
	}
	return nil
}

// Sources asks each source for its splits. One that has none at the start is waited for by a service, but a drain would never end.
func (f *File) Sources(ctx context.Context) error {
	var none []error
	for _, e := range f.Connectors {
		if e.Config.Source == nil {
			continue
		}
		if _, err := e.Config.Source.Splits(ctx); err != nil {
			none = append(none, plugin.Problem{File: f.name, Line: e.Config.Line, Option: "connectors." + e.Name + ".source", Err: err})
		}
	}
	return errors.Join(none...)
}

// Connector finds one by its name.
func (f *File) Connector(name string) (connector.Config, bool) {
	for _, e := range f.Connectors {
		if e.Name == name {
			return e.Config, true
		}
	}
	return connector.Config{}, false
}
