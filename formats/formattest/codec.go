package formattest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/record"
)

// Codec asks c for every promise that formats.Codec makes.
func Codec(t *testing.T, c formats.Codec) {
	for name, test := range map[string]func(*testing.T, formats.Codec){
		"rows come back":             roundTrip,
		"exactly the schema's cells": otherSchema,
		"only checks without schema": checksOnly,
		"a bad record is bad alone":  badAlone,
		"batches are independent":    independent,
		"safe for concurrent use":    codecConcurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, c) })
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
