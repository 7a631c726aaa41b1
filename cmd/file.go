package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
)

// defaultFile is what commands read when no file is named.
const defaultFile = "connectors.yaml"

func fileOf(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return defaultFile
}

// readFile reads and builds the file that the user named, or the default one.
func readFile(r *plugin.Registry, name string, opts ...plugin.DecodeOption) (*worker.File, error) {
	text, err := readText(name)
	if err != nil {
		return nil, err
	}
	return worker.Read(r, name, text, opts...)
}

func readText(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err == nil {
		return text, nil
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return nil, coded{fmt.Errorf("%s: %w; name the file of connectors, or run this where %s is", name, err, defaultFile), exitInput}
}

// readSink finds a connector that has a sink in a file, and a client of its brokers, which have answered. Why is said of one that has a source.
func readSink(ctx context.Context, r *plugin.Registry, file, name, why string) (*kafka.Client, connector.Config, error) {
	f, err := readFile(r, file)
	if err != nil {
		return nil, connector.Config{}, err
	}
	config, ok := f.Connector(name)
	if !ok {
		var names []string
		for _, e := range f.Connectors {
			names = append(names, e.Name)
		}
		return nil, config, coded{fmt.Errorf("%s: there is no connector %q; there are %s", file, name, strings.Join(names, ", ")), exitInput}
	}
	if config.Sink == nil {
		return nil, config, coded{fmt.Errorf("%s: it has a source; %s", name, why), exitInput}
	}
	if err := reach(ctx, f); err != nil {
		return nil, config, coded{err, exitEnvironment}
	}
	return &kafka.Client{Config: f.Kafka}, config, nil
}
