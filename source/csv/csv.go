// Package csv is the source that reads CSV files: a file is a split, a line a record with typed cells.
package csv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/source"
)

// Config is a csv source as connectors.yaml writes it.
type Config struct {
	Path      string      `yaml:"path,short" required:"true" doc:"The files, as a glob such as data/*.csv; every worker must see the same ones."`
	Order     string      `yaml:"order" enum:"file" doc:"The order of the rows: file, as they stand there."`
	Rate      plugin.Rate `yaml:"rate" doc:"Rows a second over all files that a worker reads, such as 1000/s; as fast as it goes unless set."`
	Key       string      `yaml:"key" doc:"The column whose text becomes the record's key; without it records have no key."`
	Delimiter string      `yaml:"delimiter" doc:"The character between two cells."`
}

// Defaults is what a Config holds before YAML is read into it.
func Defaults() Config { return Config{Order: "file", Delimiter: ","} }

// New makes the source; it touches no file until Splits or Read.
func New(c Config) (source.Source, error) {
	var errs []error
	if _, err := filepath.Match(c.Path, ""); err != nil {
		errs = append(errs, plugin.Option("path", fmt.Errorf("%q is not a glob; write it as in data/*.csv", c.Path)))
	}
	if c.Order != "file" {
		errs = append(errs, plugin.Option("order", fmt.Errorf("unknown order %q; write file", c.Order)))
	}
	if len(c.Delimiter) != 1 || c.Delimiter[0] > '~' || strings.ContainsAny(c.Delimiter, "\"\r\n\x00") {
		errs = append(errs, plugin.Option("delimiter", fmt.Errorf(`%q cannot part cells; write one ASCII character such as "," ";" or "\t"`, c.Delimiter)))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &files{Config: c, fixed: fixed(c.Path), pace: newPace(c.Rate)}, nil
}

// files is the Source. It is safe for concurrent use: all that its reads share is their pace.
type files struct {
	Config
	fixed string // the folder that every match lies in
	pace  *pace
}

// Splits lists the files by their paths below the glob's fixed part.
func (s *files) Splits(context.Context) ([]string, error) {
	paths, err := filepath.Glob(s.Path)
	if err != nil {
		return nil, fmt.Errorf("csv: %s: %w", s.Path, err)
	}
	var splits []string
	for _, p := range paths {
		st, err := os.Stat(p)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !st.Mode().IsRegular() {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("csv: %w", err)
		}
		name, err := filepath.Rel(s.fixed, p)
		if err != nil {
			return nil, fmt.Errorf("csv: %w", err)
		}
		splits = append(splits, filepath.ToSlash(name))
	}
	if len(splits) == 0 {
		return nil, fmt.Errorf("csv: no file matches %q; check the path, and that this process may read its folders", s.Path)
	}
	slices.Sort(splits)
	return splits, nil
}

// Read gives the pages of one file.
func (s *files) Read(ctx context.Context, split string, after source.Offset) iter.Seq2[source.Page, error] {
	return func(yield func(source.Page, error) bool) {
		if err := s.read(ctx, split, after, yield); err != nil {
			yield(source.Page{}, fmt.Errorf("csv: %s: %w", split, err))
		}
	}
}

// read returns nil once yield has said no.
func (s *files) read(ctx context.Context, split string, after source.Offset, yield func(source.Page, error) bool) error {
	at, err := parseMark(after)
	if err != nil || at.Done {
		return err
	}
	path := filepath.Join(s.fixed, filepath.FromSlash(split))
	if ok, _ := filepath.Match(filepath.Clean(s.Path), path); !ok {
		return fmt.Errorf("not one of the files of %q", s.Path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := s.open(ctx, f, at)
	if err != nil {
		return err
	}
	for !t.at.Done {
		p, err := t.page()
		if err != nil {
			return err
		}
		if err := s.pace.wait(ctx, len(p.Records)); err != nil {
			return err
		}
		if !yield(p, nil) {
			return nil
		}
	}
	return nil
}

// fixed is the folder above the first segment with a wildcard.
func fixed(glob string) string {
	dir := filepath.Dir(glob)
	for strings.ContainsAny(dir, `*?[\`) {
		dir = filepath.Dir(dir)
	}
	return dir
}
