// Package files is a sink that makes one file for each path and flush, in any Store.
//
// Rows are held compactly, by path, until their interval is cut, and encoded when it is committed; lines are held as they will stand.
// The names of the files, what stands in them and what is found of an object that stands already follow from the rows and the claim alone.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// Config is the part of a sink's options that says where rows go and how they are written.
type Config struct {
	Path     Template       `yaml:"path" doc:"Folder of each row: text, {column}, {column:%Y-%m} for a column read as a date or time, {a.b} for a member of a column, {time:%Y-%m-%d} for the record's timestamp, {topic}, {partition}, {offset}, {key}, {header.NAME}, {value.NAME}."`
	TimeZone TimeZone       `yaml:"time_zone" doc:"Zone in which path writes the record's timestamp, and values that have a zone; values without one are written as they stand."`
	Format   formats.Format `yaml:"format" required:"true" doc:"How files are written."`
	With     []string       `yaml:"with" enum:"topic|partition|offset|time|key|headers" doc:"Columns to add, after the others, or members to add to each JSON object: where a record stood, its timestamp, its key as text, and its headers as a JSON object."`
}

// Defaults is a Config that needs a Format.
func Defaults() Config {
	path, err := ParseTemplate(DefaultPath)
	if err != nil {
		panic(err)
	}
	return Config{Path: path}
}

// Options are what a Store asks of the engine.
type Options struct {
	Service    string // where the store is, if it has names that another place has too; "" if there is one place
	Prefix     string // before every name; "" or something that ends in a slash
	Slots      int    // files made side by side, over all Writers
	MaxName    int    // in bytes, with the prefix
	MaxSegment int    // in bytes, of what stands between two slashes; 0 is any
}

// New makes a sink into a Store. It is also sink.Columned.
func New(store Store, c Config, o Options) (sink.Sink, error) {
	if c.Format == nil {
		return nil, plugin.Option("format", errors.New("is missing; say how files are written"))
	}
	with, err := parseWith(c.With, c.Path)
	if err != nil {
		return nil, err
	}
	raw, ok := c.Format.(formats.Raw)
	if err := c.Path.twins(); err != nil && !(ok && raw.Raw()) {
		return nil, plugin.Option("path", err)
	}
	return &engine{
		store: store, Config: c, Options: o, with: with,
		raw:     ok && raw.Raw(),
		slots:   make(chan struct{}, max(1, o.Slots)),
		coders:  coders{gate: make(chan struct{}, runtime.GOMAXPROCS(0))},
		writers: map[*writer]bool{},
	}, nil
}

// engine is what the Writers of one Sink share.
//
// What they hold in memory is counted by Size: rows until they are encoded, or, where they are held as their file has them, until that
// stands, and encoded files until they do. The latter is also bounded by spoolsMemory. Encoders are bounded by their number, and uploads
// by slots: one reads its file a little at a time.
type engine struct {
	Config
	Options
	store   Store
	raw     bool
	with    []extra
	pool    pool
	slots   chan struct{}
	coders  coders
	spooled atomic.Int64

	mu       sync.Mutex
	plans    []*plan
	writers  map[*writer]bool // that are open
	swept    time.Time
	warnings []error
}

// Columns are those of the path where values pass through as they are, and all of them otherwise.
func (e *engine) Columns() (asked []record.Column, all bool) {
	asked = e.Path.Columns()
	if e.raw {
		asked = append(asked, probes(e.with)...)
	} else {
		e.Path.beside(asked)
	}
	return asked, !e.raw
}

// Fits is of sink.Fitted. Of columns that are not known yet nothing can be said, but that one which the path names and whose name
// holds dots has to be declared, since it will not be inferred.
func (e *engine) Fits(s *record.Schema) error {
	if s == nil && !e.raw {
		return nil
	}
	p, err := newPlan(s, e.Path, e.raw, e.with)
	if err != nil {
		return err
	}
	if err := newRenderer(e.Path, e.TimeZone, "", 0).bind(s); err != nil {
		return err
	}
	if err := e.Path.clashes(s, p); err != nil {
		return err
	}
	if len(p.file.Columns) == 0 {
		return nil
	}
	_, err = e.Format.NewEncoder(io.Discard, p.file)
	return err
}

// Open reaches the store, and makes a Writer.
func (e *engine) Open(ctx context.Context, c sink.Claim) (sink.Writer, error) {
	if err := e.reach(ctx); err != nil {
		return nil, err
	}
	w := newWriter(e, c)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.writers[w] = true
	return w, nil
}

func (e *engine) reach(ctx context.Context) error {
	if o, ok := e.store.(Opener); ok {
		return o.Open(ctx)
	}
	return nil
}

// Check is of sink.Checked.
func (e *engine) Check(ctx context.Context) error {
	if err := e.reach(ctx); err != nil {
		return err
	}
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.idle()
	}()
	if c, ok := e.store.(Checker); ok {
		return c.Check(ctx, e.Prefix)
	}
	return nil
}

// closed is told of each Writer that is. One that Preview made never reached the store.
func (e *engine) closed(w *writer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.writers[w] {
		delete(e.writers, w)
		e.idle()
	}
}

// idle tells the store that nobody writes, if nobody does. Its caller holds mu.
func (e *engine) idle() {
	if i, ok := e.store.(Idler); ok && len(e.writers) == 0 {
		i.Idle()
	}
}

// maxPlans is how many schemas are remembered.
const maxPlans = 8

// plan is what follows from one schema.
func (e *engine) plan(s *record.Schema) (*plan, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.plans {
		if same(p.from, s) {
			return p, nil
		}
	}
	p, err := newPlan(s, e.Path, e.raw, e.with)
	if err != nil {
		return nil, err
	}
	if f, ok := e.Format.(formats.Lined); ok && p.raw && len(p.extras) == 0 {
		p.line = f.Appender(p.file)
	}
	if len(e.plans) == maxPlans {
		e.plans = slices.Delete(e.plans, 0, 1)
	}
	e.plans = append(e.plans, p)
	return p, nil
}

// same says that rows of two schemas may stand in one file.
func same(a, b *record.Schema) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a == b || a.Version == b.Version && slices.Equal(a.Columns, b.Columns)
}

// in takes one of the places there are, or waits for it.
func in(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to write a file: %w", ctx.Err())
	}
}
