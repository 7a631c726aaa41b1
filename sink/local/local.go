// Package local is a sink that makes files in a folder of this machine, or of a file system mounted on it.
package local

import (
	"errors"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
)

// Config is the sink's options.
type Config struct {
	Dir   string       `yaml:"dir" required:"true" doc:"Folder below which files are made; it is made if it is missing."`
	Files files.Config `yaml:",inline"`
}

// Defaults is a Config that needs Dir and Format.
func Defaults() Config { return Config{Files: files.Defaults()} }

// slots is how many files are made at once; each ends with waiting for the disk.
const slots = 8

// Limits of Linux file systems, in bytes.
const (
	maxName    = 4096 - 1024 // leaves room for Dir
	maxSegment = 255
)

// New makes a sink whose files are whole and durable as soon as they can be seen.
func New(c Config) (sink.Sink, error) { return newSink(c, false) }

func newSink(c Config, named bool) (sink.Sink, error) {
	if c.Dir == "" {
		return nil, plugin.Option("dir", errors.New("is missing; name the folder for the files"))
	}
	return files.New(&store{dir: c.Dir, named: named}, c.Files, files.Options{Slots: slots, MaxName: maxName, MaxSegment: maxSegment})
}
