package plugin

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a file.
type Problem struct {
	File   string
	Line   int    // 0 where it is the whole file's
	Option string // dotted: connectors.stock-lake.sink.s3.bucket; empty where it is the whole file's
	Err    error
}

// Error puts the place first.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Option != "" {
		b.WriteString(": " + p.Option)
	}
	fmt.Fprintf(&b, ": %v", p.Err)
	return b.String()
}

// Unwrap gives the reason.
func (p Problem) Unwrap() error { return p.Err }

// Problems is everything wrong with a file, in the order of its lines.
type Problems []Problem

// Error gives a line a problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each Problem.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i := range p {
		errs[i] = p[i]
	}
	return errs
}

// tidy sorts by line and leaves out what is said twice.
func (p Problems) tidy() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int { return a.Line - b.Line })
	seen := map[string]bool{}
	return slices.DeleteFunc(p, func(q Problem) bool {
		again := seen[q.Error()]
		seen[q.Error()] = true
		return again
	})
}

// about tells whether there is a problem at an option, within it, or with what it stands in below the path within.
func (p Problems) about(within, option string) bool {
	return slices.ContainsFunc(p, func(q Problem) bool {
		return contains(option, q.Option) || contains(q.Option, option) && q.Option != within && contains(within, q.Option)
	})
}

// contains tells whether the option at a path is, or stands within, the one at another.
func contains(outer, path string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// Option says, in the error of a constructor or of Check, which option is at fault, so that the message names its line. Name
// is as the YAML has it, and may be dotted; Options nest, and errors.Join of several is several problems.
func Option(name string, err error) error {
	if err == nil {
		return nil
	}
	return &optionError{name, err}
}

type optionError struct {
	name string
	err  error
}

func (e *optionError) Error() string { return e.name + ": " + e.err.Error() }
func (e *optionError) Unwrap() error { return e.err }

// fault is one reason, and the option it is about: empty for the struct itself.
type fault struct {
	option string
	err    error
}

// faults takes apart what a constructor or a Check gave.
func faults(err error) []fault {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && isJoin(err, joined.Unwrap()) {
		var all []fault
		for _, e := range joined.Unwrap() {
			all = append(all, faults(e)...)
		}
		return all
	}
	at, exact := err.(*optionError)
	if !exact && !errors.As(err, &at) {
		return []fault{{"", err}}
	}
	inner := faults(at.err)
	for i := range inner {
		inner[i].option = strings.TrimSuffix(at.name+"."+inner[i].option, ".")
	}
	if !exact { // an Option wrapped in more words: they are kept whole
		return []fault{{inner[0].option, err}}
	}
	return inner
}

// isJoin tells errors.Join from an error that has words of its own.
func isJoin(err error, of []error) bool {
	lines := make([]string, len(of))
	for i, e := range of {
		lines[i] = e.Error()
	}
	return len(of) > 0 && err.Error() == strings.Join(lines, "\n")
}

// secrets are values that are not to be shown, each with the text that stands for it.
type secrets map[string]string

// mask puts the file's text for such values back into an error. Values too short to be a secret are replaced only where they
// are quoted, lest they be found in ordinary words.
func (s secrets) mask(err error) error {
	said := err.Error()
	for _, value := range longestFirst(s) {
		source := s[value]
		quoted := strconv.Quote(value)
		said = strings.ReplaceAll(said, quoted, strconv.Quote(source))
		if len(value) >= 4 {
			said = strings.ReplaceAll(said, value, source)
			said = strings.ReplaceAll(said, quoted[1:len(quoted)-1], source)
		}
	}
	if said == err.Error() {
		return err
	}
	return errors.New(said)
}

// guard runs code that is not ours and turns a panic into an error.
func guard(who string, run func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s panicked: %v; this is a mistake in its code, please report it", who, p)
		}
	}()
	return run()
}
