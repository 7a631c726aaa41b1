// Package formattest holds the promises of formats and codecs, so that the tests of each can ask for them.
package formattest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unsafe"

	"github.com/penstock/penstock/record"
)

var types = []string{
	"string", "bool", "int32", "int64", "float", "double", "date", "timestamp(ms)", "timestamp(us)", "bytes", "json",
	"decimal(9,2)", "decimal(18,4)", "decimal(38,10)", "list<string>", "list<list<int32>>", "struct<a:int64,b:string>",
	"list<struct<x:double,y:list<date>>>", "struct<in:struct<d:decimal(28,1),on:bool>,json:json>",
}

// Schema has a column of every type.
func Schema() *record.Schema {
	s := new(record.Schema)
	for _, name := range types {
		t, err := record.ParseType(name)
		if err != nil {
			panic(err)
		}
		s.Columns = append(s.Columns, record.Column{Name: "a " + name, As: strings.Trim(name, ")"), Type: t})
	}
	return s
}

// Records gives n records of Schema, each with its Row and, as a JSON object, its Value. Every call gives the same.
func Records(n int) []record.Record {
	records := make([]record.Record, n)
	for i := range records {
		k := int64(i) - 7
		text := fmt.Sprintf("text %d é", i%100)
		row := []record.Value{
			record.StringOf(text), record.BoolOf(i%3 == 0), record.IntOf(k), record.IntOf(k << 40), record.FloatOf(float64(k) / 4),
			record.FloatOf(float64(k) * 1.1), record.DateOf(k), record.TimestampOf(k * 1000), record.TimestampOf(k*1_000_001 + 3),
			record.BytesOf("\x00" + text), record.JSONOf(fmt.Sprintf(`{"k":[%d]}`, k)),
		}
		row = append(row, decimals(k)...)
		row = append(row, nested(k, text)...)
		if i%5 == 0 {
			row[i%len(row)] = record.Value{}
		}
		records[i] = record.Record{Offset: int64(i), Time: int64(i), Row: row, Value: value(row, i)}
	}
	return records
}

func decimals(k int64) []record.Value {
	return []record.Value{
		record.DecimalOf(k, 2), record.DecimalOf(k<<40, 4), decimal(fmt.Sprintf("%d12345678901234567.89", k), record.MaxPrecision, 10),
	}
}

func decimal(text string, precision, scale uint8) record.Value {
	v, ok := new(record.Batch).Decimal(text, record.Type{Kind: record.Decimal, Precision: precision, Scale: scale})
	if !ok {
		panic(text)
	}
	return v
}

func nested(k int64, text string) []record.Value {
	null, list, object := record.Value{}, record.ListOf, record.StructOf
	texts, lists, points := list(), list(), list()
	switch k % 4 {
	case 1:
		texts, lists = list(record.StringOf(text), null, record.StringOf("")), list(list(record.IntOf(k)), null, list(), list(null, record.IntOf(-k)))
		points = list(object(record.FloatOf(float64(k)), list(record.DateOf(k), null)), null, object(null, null), object(null, list()))
	case 2:
		texts, lists, points = list(null), list(list()), list(null)
	case 3:
		texts, lists, points = null, null, null
	}
	inner := object(decimal(fmt.Sprint(k*1_000_000_007, "000000000000.5"), 28, 1), record.BoolOf(k%2 == 0))
	if k%8 == 5 {
		inner = null
	}
	return []record.Value{
		texts, lists, object(record.IntOf(k), record.StringOf(text)), points, object(inner, record.JSONOf(fmt.Sprintf(`[%d]`, k))),
	}
}

// value need not say what row says: no format is shown both.
func value(row []record.Value, i int) []byte {
	return fmt.Appendf(nil, `{"n":%d,"text":%q,"raw":%q}`, i, row[0].Str, base64.StdEncoding.EncodeToString([]byte(row[9].Str)))
}

// copied is records in memory of their own, and what spoils that memory.
func copied(records []record.Record) (own []record.Record, spoil func()) {
	own = append(own, records...)
	var texts [][]byte
	keep := func(s string) []byte {
		b := []byte(s)
		texts = append(texts, b)
		return b
	}
	for i := range own {
		own[i].Value = keep(string(own[i].Value))
		own[i].Row = append([]record.Value(nil), own[i].Row...)
		for j, cell := range own[i].Row {
			b := keep(cell.Str)
			own[i].Row[j].Str = unsafe.String(unsafe.SliceData(b), len(b))
		}
	}
	return own, func() {
		for _, b := range texts {
			for i := range b {
				b[i] = '#'
			}
		}
		for _, r := range own {
			for j := range r.Row {
				r.Row[j] = record.JSONOf("spoilt")
			}
		}
		clear(own)
	}
}
