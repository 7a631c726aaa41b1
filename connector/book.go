package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
)

// book knows the rules of one connector, today's and earlier ones. The state topic keeps them: the text of every layout under its
// hash, and the inferred columns of every version of a topic's schema. Whatever a plan names stands there before the plan does.
type book struct {
	run   *Run
	today string        // the hash of today's layout
	turn  chan struct{} // has room for the one who reads the topic or writes to it: that lasts as long as brokers are away

	mu      sync.Mutex // of what follows; nobody asks brokers while they hold it
	kept    map[string][]byte
	configs map[string]*Config // by layout
	made    map[rulesKey]*rules
	missed  map[string]bool // layouts of which it was said that they cannot be had
}

func newBook(r *Run) *book {
	b := &book{run: r, today: layoutHash(r.Config.Layout), turn: make(chan struct{}, 1), configs: map[string]*Config{}, made: map[rulesKey]*rules{}, missed: map[string]bool{}}
	b.configs[b.today] = &r.Config
	return b
}

type rulesKey struct {
	layout, topic string
	version       int
}

// openBook reads the state topic, and writes down today's layout if it is new.
func openBook(ctx context.Context, r *Run) (*book, error) {
	b := newBook(r)
	a, err := r.Client.Admin()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if _, err := a.Ensure(ctx, kafka.Topic{Name: b.topic(), Partitions: 1, Compact: true}); err != nil {
		return nil, err
	}
	if err := b.alone(ctx, b.read); err != nil {
		return nil, err
	}
	return b, b.write(ctx, "layout "+b.today, func() map[string][]byte {
		all := map[string][]byte{layoutKey(b.today): []byte(r.Config.Layout), b.usedKey(b.today): []byte("1")}
		maps.DeleteFunc(all, func(key string, _ []byte) bool { return b.kept[key] != nil })
		return all
	})
}

func (b *book) topic() string { return b.run.Client.Config.StateTopic }

func layoutKey(hash string) string { return "layout/" + hash }

// usedKey is of what says that the connector wrote, or meant to write, under a layout.
func (b *book) usedKey(hash string) string { return fmt.Sprintf("used/%s/%s", b.run.Name, hash) }

func (b *book) schemaKey(topic string, version int) string {
	return fmt.Sprintf("schema/%s/%s/%d", b.run.Name, topic, version)
}

// alone has somebody read the topic or write to it, when nobody else does.
func (b *book) alone(ctx context.Context, do func(context.Context) error) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
		return do(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read takes in what the topic says now. What is known stays where it cannot be read.
func (b *book) read(ctx context.Context) error {
	kept, err := b.run.Client.Table(ctx, b.topic(), 0)
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.kept = kept
	}
	return err
}

// write adds entries, as the only one who may at the moment: others with the same id are fenced, and the topic is read anew
// before lacking decides what to write, if anything, by what is kept then. Whoever was fenced looks what the other wrote before it
// fences anybody in its turn, and leaves it time: workers that all want to write at once would keep each other from it for ever.
func (b *book) write(ctx context.Context, id string, lacking func() map[string][]byte) error {
	locked := func() map[string][]byte {
		b.mu.Lock()
		defer b.mu.Unlock()
		return lacking()
	}
	return b.alone(ctx, func(ctx context.Context) error { return b.insist(ctx, id, locked) })
}

// insist attempts to write until nothing is lacking.
func (b *book) insist(ctx context.Context, id string, lacking func() map[string][]byte) error {
	for pause := time.Second; ; pause = min(2*pause, 16*time.Second) {
		if len(lacking()) == 0 {
			return nil
		}
		err := b.add(ctx, id, lacking)
		if !errors.Is(err, kafka.ErrFenced) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause/4 + rand.N(pause)):
		}
		if err := b.read(ctx); err != nil {
			return err
		}
	}
}

// add is one attempt to write.
func (b *book) add(ctx context.Context, id string, lacking func() map[string][]byte) error {
	p, err := b.run.Client.Producer(ctx, "penstock "+id)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := b.read(ctx); err != nil {
		return err
	}
	all := lacking()
	if len(all) == 0 {
		return nil
	}
	var entries []kafka.Entry
	for key, value := range all {
		entries = append(entries, kafka.Entry{Topic: b.topic(), Record: record.Record{Time: record.NoTime, Key: []byte(key), Value: value}})
	}
	if err := p.Store(ctx, "", &record.Batch{}, entries...); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.Copy(b.kept, all)
	return nil
}

// latest is the rules for rows that nobody has written before.
func (b *book) latest(topic string) (*rules, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rules(b.today, topic, b.version(topic))
}

// version is the latest of a topic's schema.
func (b *book) version(topic string) (n int) {
	for b.kept[b.schemaKey(topic, n+1)] != nil {
		n++
	}
	return n
}

// earlier is the rules of an interval that was begun before.
func (b *book) earlier(ctx context.Context, layout, topic string, version int) (*rules, error) {
	known := func() (*rules, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.rules(layout, topic, version)
	}
	r, err := known()
	if errors.Is(err, errNotKept) { // maybe another worker's, of after we read
		if err := b.alone(ctx, b.read); err != nil {
			return nil, whole{err} // Kafka is away; nothing is wrong with the partition
		}
		r, err = known()
	}
	return r, err
}

var errNotKept = errors.New("it is not in the state topic; was the topic emptied, or kafka.state_topic changed?")

func (b *book) rules(layout, topic string, version int) (*rules, error) {
	key := rulesKey{layout, topic, version}
	if r := b.made[key]; r != nil {
		return r, nil
	}
	config, err := b.config(layout)
	if err != nil {
		return nil, fmt.Errorf("layout %s: %w", layout, err)
	}
	var extras []record.Column
	if version > 0 {
		if extras, err = readColumns(b.kept[b.schemaKey(topic, version)]); err != nil {
			return nil, fmt.Errorf("version %d of the schema of %s: %w", version, topic, err)
		}
	}
	r := &rules{layout: layout, version: version, config: config}
	if r.schema, err = config.schema(extras, version); err != nil {
		return nil, err
	}
	b.made[key] = r
	return r, nil
}

// config is the configuration that a layout's text stands for, with today's endpoints and credentials. Where today's cannot be built
// either, the layout is not to blame: the file, or what it refers to, is being changed, and the run begins again.
func (b *book) config(layout string) (*Config, error) {
	if c := b.configs[layout]; c != nil {
		return c, nil
	}
	text := b.kept[layoutKey(layout)]
	if text == nil {
		return nil, errNotKept
	}
	c, err := b.run.Build(string(text))
	if err != nil {
		if _, now := b.run.Build(b.run.Config.Layout); now != nil {
			return nil, whole{now}
		}
		c, err = b.run.Build(string(text)) // it may have been mended in between
	}
	if err == nil {
		b.configs[layout] = &c
	}
	return &c, err
}

// extend adds columns to a topic's schema, after the version of the rules given. Where somebody has been quicker, what they added
// is the answer: look again what is missing.
func (b *book) extend(ctx context.Context, topic string, from *rules, columns []record.Column) (*rules, error) {
	next := b.schemaKey(topic, from.version+1)
	err := b.write(ctx, strings.Join([]string{"schema", b.run.Name, topic}, " "), func() map[string][]byte {
		if b.kept[next] != nil {
			return nil
		}
		extras, _ := readColumns(b.kept[b.schemaKey(topic, from.version)])
		return map[string][]byte{next: writeColumns(append(extras, columns...))}
	})
	if err != nil {
		return nil, whole{fmt.Errorf("schema of %s: %w", topic, err)}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rules(b.today, topic, from.version+1)
}

func readColumns(text []byte) (cols []record.Column, err error) {
	if text == nil {
		return nil, errNotKept
	}
	if err = json.Unmarshal(text, &cols); err != nil {
		return nil, err
	}
	for _, c := range cols {
		if c.Type.Kind == record.Null {
			return nil, fmt.Errorf("its column %q has no type; was it written by another program?", c.Name)
		}
	}
	return cols, nil
}

func writeColumns(cols []record.Column) []byte {
	text, err := json.Marshal(cols)
	if err != nil {
		panic(err) // names and types
	}
	return text
}

// sampleRows is how many records the columns are inferred from.
const sampleRows = 10_000

// pin infers the columns of topics that were never read, from their first records, and writes them down as the first version.
func (b *book) pin(ctx context.Context) error {
	for _, topic := range b.run.topics {
		now, err := b.latest(topic)
		if err != nil {
			return err
		}
		if now.version > 0 || !now.infers() {
			continue
		}
		batches, err := b.run.Client.Sample(ctx, b.run.Group(), topic, sampleRows)
		if err != nil {
			return err
		}
		all := record.Batch{Topic: topic}
		for _, s := range batches {
			all.Records = append(all.Records, s.Records...)
		}
		columns, _, err := now.infer(&all)
		if err == nil && len(columns) > 0 {
			_, err = b.extend(ctx, topic, now, columns)
		}
		if err != nil {
			return fmt.Errorf("topic %s: %w", topic, err)
		}
	}
	return nil
}
