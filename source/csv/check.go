package csv

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/penstock/penstock/plugin"
)

// Check finds out whether there are files now, and whether their headers name the columns that the options do. Of files that lack the
// same it names the first. Rows are left unread.
func (s *files) Check(ctx context.Context) error {
	splits, err := s.Splits(ctx)
	if err != nil {
		return plugin.Option("path", err)
	}
	var errs []error
	first := map[string]string{} // the file at fault, by option
	says := func(option, split string, err error) {
		if at, is := first[option]; !is || at == split {
			first[option] = split
			errs = append(errs, plugin.Option(option, fmt.Errorf("csv: %s: %w", split, err)))
		}
	}
	for _, split := range splits {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		names, err := s.namesOf(split)
		if err != nil {
			says("path", split, err)
		}
		if names == nil {
			continue
		}
		for option, err := range s.lacking(names) {
			says(option, split, err)
		}
	}
	return errors.Join(errs...)
}

// namesOf is the columns of one file; none where it is followed, and does not have its header yet.
func (s *files) namesOf(split string) ([]string, error) {
	t := &table{files: s, path: filepath.Join(s.fixed, filepath.FromSlash(split)), split: split}
	defer t.close()
	var err error
	if t.in, err = openInput(t.path); err != nil {
		return nil, err
	}
	names, err := t.header()
	if errors.Is(err, errNothing) {
		return nil, nil
	}
	return names, err
}
