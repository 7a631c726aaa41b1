package formattest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
)

// Codec holds c to what every codec promises, with every type of column:
//
//   - What Encode made of a Row, Decode gives back, to the bit, in the order and types of any schema, also one that asks for less or
//     for what is not there; with no schema there are no cells.
//   - A record that cannot be read, as one without a Value, is in Bad, by ascending Index, with a reason and without cells; the
//     others are as they would be without it. Verdicts of an earlier call are not added up.
//   - Encode leaves what a batch's Room holds as it is; Values made in it stand until its owner takes it back, and those of a batch
//     without Room for ever.
//   - Neither another batch nor Decode itself changes what a batch's Values hold. It is called by many goroutines at once.
//   - A codec that is a formats.Inferrer finds the columns that are not known, each of a type that holds every value, and Decode
//     names in Unknown the sound records that have more than an open schema says.
func Codec(t *testing.T, c formats.Codec) {
	for name, test := range map[string]func(*testing.T, formats.Codec){
		"rows come back":             roundTrip,
		"exactly the schema's cells": otherSchema,
		"only checks without schema": checksOnly,
		"a bad record is bad alone":  badAlone,
		"room is kept to":            keepsToRoom,
		"batches are independent":    independent,
		"safe for concurrent use":    codecConcurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
	if i, ok := c.(formats.Inferrer); ok {
		t.Run("columns are inferred", func(t *testing.T) { infers(t, c, i) })
		t.Run("an open schema finds what it lacks", func(t *testing.T) { finds(t, c, i) })
	}
}

// encoded is a batch of n records whose Values c made, and the rows they were made of.
func encoded(t *testing.T, c formats.Codec, n int) (*record.Batch, [][]record.Value) {
	b := &record.Batch{Schema: Schema(), Records: Records(n)}
	var rows [][]record.Value
	for i := range b.Records {
		b.Records[i].Value = nil
		rows = append(rows, b.Records[i].Row)
	}
	if err := c.Encode(b); err != nil {
		t.Fatal(err)
	}
	for i := range b.Records {
		b.Records[i].Row = nil
	}
	return b, rows
}

// same compares cells as rows of a file would: a Float's text is only how it was written.
func same(a, b []record.Value) bool {
	return slices.EqualFunc(a, b, func(a, b record.Value) bool {
		return a.Kind == b.Kind && a.Num == b.Num && (a.Str == b.Str || a.Kind == record.Float)
	})
}

// check says whether c decodes b to these rows.
func check(c formats.Codec, b *record.Batch, rows [][]record.Value) error {
	if err := c.Decode(b); err != nil {
		return err
	}
	if len(b.Bad) > 0 {
		return fmt.Errorf("%s is bad: %w", b.Records[b.Bad[0].Index].Value, &b.Bad[0])
	}
	for i, r := range b.Records {
		if !same(r.Row, rows[i]) {
			return fmt.Errorf("record %d is %v, want %v", i, r.Row, rows[i])
		}
	}
	return nil
}

func roundTrip(t *testing.T, c formats.Codec) {
	b, rows := encoded(t, c, 200)
	for range 2 { // again in the same memory
		if err := check(c, b, rows); err != nil {
			t.Fatal(err)
		}
	}
}

func otherSchema(t *testing.T, c formats.Codec) {
	b, rows := encoded(t, c, 50)
	s := Schema()
	slices.Reverse(s.Columns)
	s.Columns = append(s.Columns[:4], record.Column{Name: "not there", Type: record.Type{Kind: record.String}})
	b.Schema = s
	for i, row := range rows {
		row = slices.Clone(row)
		slices.Reverse(row)
		rows[i] = append(row[:4], record.Value{})
	}
	if err := check(c, b, rows); err != nil {
		t.Fatal(err)
	}
}

func checksOnly(t *testing.T, c formats.Codec) {
	b, _ := encoded(t, c, 50)
	b.Schema = nil
	if err := c.Decode(b); err != nil || len(b.Bad) > 0 {
		t.Fatal(err, b.Bad)
	}
	for _, r := range b.Records {
		if len(r.Row) > 0 {
			t.Fatal("there are cells, which nobody asked for")
		}
	}
}

func badAlone(t *testing.T, c formats.Codec) {
	b, rows := encoded(t, c, 50)
	for _, i := range []int{3, 4, 49} {
		b.Records[i].Value = nil
	}
	for range 2 { // verdicts are not added up
		if err := c.Decode(b); err != nil {
			t.Fatal(err)
		}
		if len(b.Bad) != 3 || b.Bad[0].Index != 3 || b.Bad[1].Index != 4 || b.Bad[2].Index != 49 {
			t.Fatalf("bad are %v", b.Bad)
		}
		for i, r := range b.Records {
			bad := r.Value == nil
			if bad && (len(r.Row) > 0 || b.Bad[0].Err == nil) || !bad && !same(r.Row, rows[i]) {
				t.Fatalf("record %d is %v", i, r.Row)
			}
		}
	}
}

func independent(t *testing.T, c formats.Codec) {
	b, rows := encoded(t, c, 50)
	var values []string
	for _, r := range b.Records {
		values = append(values, string(r.Value))
	}
	other, _ := encoded(t, c, 7)
	if err := check(c, b, rows); err != nil {
		t.Fatal(err)
	}
	if err := c.Decode(other); err != nil {
		t.Fatal(err)
	}
	for i, r := range b.Records {
		if string(r.Value) != values[i] || !same(r.Row, rows[i]) {
			t.Fatalf("record %d changed with another batch, or by being decoded", i)
		}
	}
}

// keepsToRoom encodes rows behind others into one memory, twice, and some without any.
func keepsToRoom(t *testing.T, c formats.Codec) {
	own, ownRows := encoded(t, c, 20)
	room := make([]byte, 0, 100)
	for _, n := range []int{50, 20} { // the second time there is more room than it takes
		first, second := &record.Batch{Schema: Schema(), Records: Records(n)}, &record.Batch{Schema: Schema(), Records: Records(7)}
		rows := func(b *record.Batch) (rows [][]record.Value) {
			for _, r := range b.Records {
				rows = append(rows, r.Row)
			}
			return rows
		}
		firstRows, secondRows := rows(first), rows(second)
		first.Room = append(room[:0], "theirs"...)
		if err := c.Encode(first); err != nil {
			t.Fatal(err)
		}
		second.Room = first.Room
		if err := errors.Join(c.Encode(second), check(c, first, firstRows), check(c, second, secondRows)); err != nil {
			t.Fatal(err)
		}
		if room = second.Room; !bytes.HasPrefix(room, []byte("theirs")) {
			t.Fatalf("what the room held is %q", room[:min(len(room), 6)])
		}
	}
	if err := check(c, own, ownRows); err != nil || own.Room != nil {
		t.Fatalf("without room: %v, and there is some of %d bytes", err, len(own.Room))
	}
}

// infers asks for all columns but those known, in order, with types that hold every value and are marked as inferred.
func infers(t *testing.T, c formats.Codec, i formats.Inferrer) {
	b, _ := encoded(t, c, 200)
	s := Schema()
	known := &record.Schema{Columns: s.Columns[:2], Cut: []string{s.Columns[2].Name}}
	columns, err := i.Infer(b, known)
	if err != nil || len(columns) != len(s.Columns)-3 {
		t.Fatalf("%d columns are found besides three, want %d, %v", len(columns), len(s.Columns)-3, err)
	}
	var union record.Union
	for _, column := range columns {
		if !column.Inferred || s.Index(column.Name) < 3 || !union.Add(column) {
			t.Errorf("%+v", column)
		}
	}
	b.Schema = &record.Schema{Columns: columns}
	if err := c.Decode(b); err != nil || len(b.Bad) > 0 {
		t.Errorf("what it was inferred from does not fit: %v, %v", err, b.Bad)
	}
	again, err := i.Infer(b, &record.Schema{Columns: append(slices.Clone(s.Columns[:3]), columns...)})
	if err != nil || len(again) > 0 {
		t.Errorf("with nothing unknown there is %v, %v", again, err)
	}
}

// finds asks that the records which have more than an open schema says are named, and that none is if the schema is not open.
func finds(t *testing.T, c formats.Codec, i formats.Inferrer) {
	b, rows := encoded(t, c, 50)
	all := b.Schema
	b.Records[7].Value = nil // bad, and so not unknown
	last := len(all.Columns) - 1
	var want []int
	for n, row := range rows {
		if n != 7 && !row[last].IsNull() {
			want = append(want, n)
		}
	}
	for _, s := range []*record.Schema{
		{Columns: all.Columns[:last], Open: true}, all, {Columns: all.Columns[:last]},
		{Columns: all.Columns[:last], Cut: []string{all.Columns[last].Name}, Open: true}, {Columns: all.Columns, Open: true},
		{Columns: all.Columns[:last], Open: true},
	} {
		b.Schema = s
		if err := c.Decode(b); err != nil || len(b.Bad) != 1 {
			t.Fatal(err, b.Bad)
		}
		expect := want
		if !s.Open || len(s.Columns)+len(s.Cut) > last {
			expect = nil
		}
		if !slices.Equal(b.Unknown, expect) {
			t.Errorf("%d columns, %d cut, open %v: unknown are %v, want %v", len(s.Columns), len(s.Cut), s.Open, b.Unknown, expect)
		}
	}
	if columns, err := i.Infer(b, b.Schema); err != nil || len(columns) != 1 || columns[0].Name != all.Columns[last].Name {
		t.Errorf("what they have more is %v, %v", columns, err)
	}
}

func codecConcurrent(t *testing.T, c formats.Codec) {
	var wg sync.WaitGroup
	for range 4 {
		b, rows := encoded(t, c, 100)
		wg.Go(func() {
			for range 20 {
				if err := check(c, b, rows); err != nil {
					t.Error(err)
					return
				}
				if err := c.Encode(b); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
