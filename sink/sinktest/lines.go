package sinktest

import (
	"io"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
)

// Lines is a format that writes Values as they are, one a line.
type Lines struct{}

// Ext ends its files' names.
func (Lines) Ext() string { return ".txt" }

// Raw says that it needs no cells.
func (Lines) Raw() bool { return true }

// Appender says that its files are their rows' lines and nothing else, unless they have columns too.
func (Lines) Appender(s *record.Schema) func([]byte, *record.Record) ([]byte, error) {
	if len(s.Columns) > 0 {
		return nil
	}
	return func(dst []byte, r *record.Record) ([]byte, error) { return append(append(dst, r.Value...), '\n'), nil }
}

// NewEncoder begins a file.
func (Lines) NewEncoder(w io.Writer, _ *record.Schema) (formats.Encoder, error) {
	return &lines{w: w}, nil
}

type lines struct {
	w   io.Writer
	buf []byte
}

func (l *lines) Encode(rows []record.Record) error {
	l.buf = l.buf[:0]
	for _, r := range rows {
		l.buf = append(append(l.buf, r.Value...), '\n')
	}
	_, err := l.w.Write(l.buf)
	return err
}

func (l *lines) Close() error      { return nil }
func (l *lines) Reset(w io.Writer) { l.w = w }
