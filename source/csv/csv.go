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

// New makes the source; it touches no file until Splits or Read.
func New(c Config) (source.Source, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &files{Config: c, fixed: fixed(c.Path), pace: newPace(c.Rate)}, nil
}

// files is the Source. It is safe for concurrent use: all that its reads share is their pace.
type files struct {
	Config
	fixed string // the folder that every match lies in
	pace  *pace
}

// Endless is of source.Endless.
func (s *files) Endless() (option string, waits bool) {
	switch {
	case s.Order == sampled:
		return "order: sample", false
	case s.Repeat == forever:
		return "repeat: forever", false
	case s.Follow:
		return "follow: true", true
	}
	return "", false
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
		return nil, &plugin.Outside{Err: fmt.Errorf("csv: no file matches %q", s.Path), Remedy: "check the path, and that this process may read its folders"}
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
	if err != nil || s.over(&at) {
		return err
	}
	path := filepath.Join(s.fixed, filepath.FromSlash(split))
	if ok, _ := filepath.Match(filepath.Clean(s.Path), path); !ok {
		return fmt.Errorf("not one of the files of %q", s.Path)
	}
	t := &table{files: s, path: path, split: split, at: at}
	defer t.close()
	if more, err := t.begin(ctx, yield); err != nil || !more {
		return err
	}
	for !s.over(&t.at) {
		p, err := t.next(ctx)
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

// Measure is of source.Measured, in bytes of the file over all its passes. Of a compressed file only the packed size is known.
func (s *files) Measure(split string, after source.Offset) (done, total int64) {
	at, err := parseMark(after)
	path := filepath.Join(s.fixed, filepath.FromSlash(split))
	if option, waits := s.Endless(); err != nil || packed(path) != "" || option != "" && !waits {
		return 0, 0
	}
	st, err := os.Stat(path)
	if err != nil {
		return 0, 0
	}
	done, total = at.Byte, st.Size()*int64(s.Repeat)
	if s.Repeat > 1 {
		done = st.Size() * int64(at.Pass)
		if !at.Done {
			done += at.Byte
		}
	}
	if at.Done {
		done = total
	}
	return min(done, total), total
}

// over tells whether nothing comes after a mark.
func (s *files) over(at *mark) bool {
	return at.Done && !s.Follow && s.Repeat != forever && at.Pass >= int(s.Repeat)
}

// fixed is the folder above the first segment with a wildcard.
func fixed(glob string) string {
	dir := filepath.Dir(glob)
	for strings.ContainsAny(dir, `*?[\`) {
		dir = filepath.Dir(dir)
	}
	return dir
}
