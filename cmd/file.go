package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

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
