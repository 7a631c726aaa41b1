package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// Preview is what a sink would make of the records of a topic that its group has not read yet, or else of the first that there are.
type Preview struct {
	Topic    string          `json:"topic"`
	Sampled  int             `json:"sampled"`
	Files    []sink.File     `json:"files"`   // of one flush of the sample
	Paths    int             `json:"paths"`   // folders of those files
	Columns  []record.Column `json:"columns"` // with inferred ones
	Bad      []string        `json:"bad"`     // why, of the first few
	BadRows  int             `json:"bad_rows"`
	Warnings []string        `json:"warnings"`
}

// Previews samples every topic of a sink. It joins no group, commits nothing, and writes nothing.
func Previews(ctx context.Context, client *kafka.Client, name string, c Config) ([]Preview, error) {
	b := &book{run: &Run{Name: name, Config: c, Client: client}, today: layoutHash(c.Layout), made: map[rulesKey]*rules{}}
	b.configs = map[string]*Config{b.today: &b.run.Config}
	if err := b.read(ctx); err != nil && !errors.Is(err, kafka.ErrNoTopic) {
		return nil, err
	}
	a, err := client.Admin()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	topics, err := c.TopicsNow(ctx, a)
	if err != nil {
		return nil, err
	}
	out := []Preview{}
	for _, topic := range topics {
		p, err := b.preview(ctx, topic)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func (b *book) preview(ctx context.Context, topic string) (Preview, error) {
	p := Preview{Topic: topic, Files: []sink.File{}, Columns: []record.Column{}, Bad: []string{}, Warnings: []string{}}
	batches, err := b.run.Client.Sample(ctx, b.run.Group(), topic, sampleRows)
	if err != nil {
		return p, err
	}
	in, err := b.assumed(topic, batches)
	if err != nil {
		return p, err
	}
	if in.schema != nil {
		p.Columns = append(p.Columns, in.schema.Columns...)
	}
	previewer, ok := b.run.Config.Sink.(sink.Previewer)
	for i := range batches {
		if p.Sampled += len(batches[i].Records); ok && len(batches[i].Records) > 0 {
			if err := p.write(ctx, in, previewer, &batches[i]); err != nil {
				return p, err
			}
		}
	}
	p.warn()
	if w, ok := b.run.Config.Sink.(sink.Warner); ok {
		for _, err := range w.Warnings() {
			p.Warnings = append(p.Warnings, err.Error())
		}
	}
	return p, nil
}

// manyPaths are more than Athena and Glue list with ease, and files too small to be read with profit.
const manyPaths = 10_000

// warn looks at the paths of the sample. How many there are in all is estimated from those that are met once and twice (Chao): the
// fewer come back, the more there are.
func (p *Preview) warn() {
	rows := map[string]int64{}
	for _, f := range p.Files {
		rows[f.Path] += f.Rows
	}
	var once, twice int
	for _, n := range rows {
		switch n {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	p.Paths = len(rows)
	if all := p.Paths + once*(once-1)/(2*(twice+1)); all > manyPaths {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d records make %d paths, and all records more than %d: a file each, slow to list and to query; leave a column out of the path, or have a coarser one",
			p.Sampled, p.Paths, manyPaths))
	}
}

// assumed is the rules with the columns that would be pinned if the sample were the first to be read.
func (b *book) assumed(topic string, batches []record.Batch) (*rules, error) {
	in, err := b.latest(topic)
	if err != nil || !in.infers() {
		return in, err
	}
	var all record.Batch
	for _, s := range batches {
		all.Records = append(all.Records, s.Records...)
	}
	found, _, err := in.infer(&all)
	if err != nil || len(found) == 0 {
		return in, err
	}
	known := slices.DeleteFunc(slices.Clone(in.schema.Columns), func(c record.Column) bool { return c.Type.Kind == record.Any })
	wider := *in
	wider.schema, err = in.config.schema(slices.Concat(known, found), in.version+1)
	return &wider, err
}

// write gives the sample of one partition to a writer, and lists what it would make of it.
func (p *Preview) write(ctx context.Context, in *rules, previewer sink.Previewer, b *record.Batch) error {
	b.Schema = in.schema
	if err := in.config.Codec.Decode(b); err != nil {
		return err
	}
	first, next := b.Records[0].Offset, b.Records[len(b.Records)-1].Offset+1
	w := previewer.Preview(sink.Claim{Topic: b.Topic, Partition: b.Partition, From: first})
	bad := 0
	for i := range b.Records {
		var why *record.Bad
		one := record.Batch{Topic: b.Topic, Partition: b.Partition, Schema: b.Schema, Records: b.Records[i : i+1]}
		switch {
		case bad < len(b.Bad) && b.Bad[bad].Index == i:
			p.bad(b, i, b.Bad[bad].Err)
			bad++
		default:
			if err := w.Write(ctx, &one); errors.As(err, &why) {
				p.bad(b, i, why.Err)
			} else if err != nil {
				return err
			}
		}
	}
	flush, err := w.Cut(next)
	if l, ok := flush.(sink.Listed); ok && err == nil {
		p.Files = append(p.Files, l.Files()...)
	}
	return err
}

// shownBad is how many bad records are told one by one.
const shownBad = 5

func (p *Preview) bad(b *record.Batch, i int, why error) {
	if p.BadRows++; p.BadRows <= shownBad {
		p.Bad = append(p.Bad, fmt.Sprintf("partition %d, offset %d: %v", b.Partition, b.Records[i].Offset, why))
	}
}
