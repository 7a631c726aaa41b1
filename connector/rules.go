package connector

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// rules decide the names, rows and verdicts of an interval: a layout of the configuration, and a version of the topic's schema.
// Whoever redoes an interval does it under the rules that it was begun under.
type rules struct {
	layout  string // the hash of the configuration's text
	version int
	config  *Config
	schema  *record.Schema // nil where no columns are needed
}

// codeRules is raised when the code that decides names, rows or verdicts changes: what an older one planned is then of another layout.
const codeRules = 2

func layoutHash(text string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", codeRules, text))
	return hex.EncodeToString(sum[:8])
}

// infers tells whether columns that nobody declared become part of the schema.
func (r *rules) infers() bool {
	asks, ok := r.config.Sink.(sink.Columned)
	if !ok {
		return false
	}
	if _, all := asks.Columns(); !all {
		return false
	}
	return r.config.Schema.New == "add" || len(r.config.Schema.Columns) == 0 && r.version == 0
}

// infer is the columns that a batch has and the schema lacks. Why says what keeps others out: there are too many, or files could not
// tell one from another column.
func (r *rules) infer(b *record.Batch) (columns []record.Column, why, err error) {
	i, ok := r.config.Codec.(formats.Inferrer)
	if !ok {
		return nil, nil, nil
	}
	found, err := i.Infer(b, r.schema)
	if full := (*record.Bad)(nil); errors.As(err, &full) {
		why, err = full.Err, nil
	}
	known := slices.Clone(r.schema.Columns)
	for _, c := range found {
		c.As = r.config.fileName(c.Name)
		if clash := apart(known, c); clash != nil {
			why = fmt.Errorf("%w; rename one, or leave new columns out by schema: {new: ignore}", clash)
			continue
		}
		known, columns = append(known, c), append(columns, c)
	}
	if len(columns) > 0 {
		var refused error
		if columns, refused = r.fitting(r.schema.Columns, columns); refused != nil {
			why = refused
		}
	}
	return columns, why, err
}

// fitting is those of the columns that the sink takes beside known and each other, and why it does not take another. There may be
// a thousand, and mostly all fit, so that halves of them are asked for at once.
func (r *rules) fitting(known, columns []record.Column) (taken []record.Column, why error) {
	switch why = r.fits(append(known[:len(known):len(known)], columns...)); {
	case why == nil:
		return columns, nil
	case len(columns) < 2:
		return nil, why
	}
	half := len(columns) / 2
	taken, why = r.fitting(known, columns[:half:half])
	rest, later := r.fitting(append(known[:len(known):len(known)], taken...), columns[half:])
	if later != nil {
		why = later
	}
	return append(taken, rest...), why
}

// fits says whether the sink takes these columns: its folders may have the name of one.
func (r *rules) fits(columns []record.Column) error {
	if f, ok := r.config.Sink.(sink.Fitted); ok {
		return f.Fits(&record.Schema{Columns: columns, Open: true})
	}
	return nil
}

// lacking sorts the records out that have columns which the schema lacks. Those whose columns cannot all be added to it are bad, by
// what they and the schema are: whoever redoes the interval finds the same. Of the others the first comes, with what they add; -1 if
// there is none.
func (r *rules) lacking(b *record.Batch) (first int, columns []record.Column, err error) {
	first = -1
	for _, at := range b.Unknown {
		_, why, err := r.infer(&record.Batch{Topic: b.Topic, Partition: b.Partition, Records: b.Records[at : at+1]})
		switch {
		case err != nil:
			return -1, nil, err
		case why != nil && r.config.Schema.New != "ignore":
			b.Bad = append(b.Bad, record.Bad{Index: at, Err: why})
		case first < 0:
			first = at
		}
	}
	ordered(b)
	if first < 0 {
		return -1, nil, nil
	}
	rest := record.Batch{Topic: b.Topic, Partition: b.Partition, Records: b.Records[first:]}
	for _, bad := range b.Bad {
		if bad.Index >= first {
			rest.Bad = append(rest.Bad, record.Bad{Index: bad.Index - first, Err: bad.Err})
		}
	}
	columns, _, err = r.infer(&rest)
	return first, columns, err
}

// ordered restores the order of a batch's bad records after some were added.
func ordered(b *record.Batch) {
	slices.SortStableFunc(b.Bad, func(x, y record.Bad) int { return x.Index - y.Index })
	b.Bad = slices.CompactFunc(b.Bad, func(x, y record.Bad) bool { return x.Index == y.Index })
}
