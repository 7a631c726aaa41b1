package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// wrongRows are what a file might do to its rows, and "as it was": written anew, which nobody may object to.
var wrongRows = map[string]func(rows []stock) []stock{
	"as it was":        func(rows []stock) []stock { return rows },
	"a row less":       func(rows []stock) []stock { return slices.Delete(rows, 3, 4) },
	"the last row off": func(rows []stock) []stock { return rows[:len(rows)-1] },
	"a row twice":      func(rows []stock) []stock { return slices.Insert(rows, 3, rows[3]) },
	"rows exchanged":   func(rows []stock) []stock { rows[2], rows[3] = rows[3], rows[2]; return rows },
	"a bit turned":     func(rows []stock) []stock { rows[3].prices[0].bits ^= 1; return rows },
	"a number lost":    func(rows []stock) []stock { rows[3].prices[6] = price{null: true}; return rows },
	"another date":     func(rows []stock) []stock { rows[3].date = saturday(rows[3].date); return rows },
}

// saturday is one near a date: there are no rows of one.
func saturday(date string) string {
	d, _ := time.Parse(time.DateOnly, date)
	return d.AddDate(0, 0, int(time.Saturday-d.Weekday())).Format(time.DateOnly)
}

// wrongFiles are what might be wrong with a store, given the key of one of its files.
var wrongFiles = map[string]func(s store, key string){
	"a file less":           func(s store, key string) { delete(s, key) },
	"a file twice":          func(s store, key string) { s[strings.Replace(key, "+0000", "+0001", 1)] = s[key] },
	"a file elsewhere":      func(s store, key string) { s[strings.Replace(key, "index=", "index=X", 1)] = s[key]; delete(s, key) },
	"rows miscounted":       func(s store, key string) { says(s, key, "rows", 1) },
	"interval too long":     func(s store, key string) { says(s, key, "until", 1) },
	"interval too short":    func(s store, key string) { says(s, key, "until", -1) },
	"offset miscounted":     func(s store, key string) { says(s, key, "first", 1) },
	"another topic's":       func(s store, key string) { s[key].meta["topic-id"] = "AAAAAAAAAAAAAAAAAAAAAA" },
	"another connector's":   func(s store, key string) { s[key].meta["connector"] = "other" },
	"another layout's":      func(s store, key string) { s[key].meta["layout"] = "other" },
	"metadata of no rows":   func(s store, key string) { delete(s[key].meta, "rows") },
	"metadata of no offset": func(s store, key string) { delete(s[key].meta, "from") },
}

// metadataOnly is what those who read only files cannot see.
var metadataOnly = []string{"rows miscounted", "interval too long", "interval too short", "offset miscounted", "another topic's", "another connector's",
	"another layout's", "metadata of no rows", "metadata of no offset"}

// says adds to a number in an object's metadata.
func says(s store, key, name string, more int) {
	n, _ := strconv.Atoi(s[key].meta[name])
	s[key].meta[name] = strconv.Itoa(n + more)
}

// bites wants every reader to object to each of the wrongs, done to a copy of a store that is right.
func bites(t *testing.T, c claim, right store, csv string) {
	key := slices.MaxFunc(slices.Sorted(maps.Keys(right)), func(a, b string) int { return len(right[a].body) - len(right[b].body) })
	folders, stores := map[string]string{}, map[string]store{}
	for name, wrong := range wrongFiles {
		stores[name] = copied(right, key)
		wrong(stores[name], key)
	}
	for name, wrong := range wrongRows {
		rows, err := readers[c.ext][map[string]string{".parquet": "parquet-go", ".json.gz": "encoding/json"}[c.ext]](right[key].body)
		if err != nil {
			t.Fatal(err)
		}
		n := len(rows)
		rows = wrong(rows)
		s := copied(right, key)
		says(s, key, "rows", len(rows)-n)
		s[key] = object{body: written(t, c.ext, rows), meta: s[key].meta}
		stores[name] = s
	}
	for name, s := range stores {
		dir := filepath.Join(t.TempDir(), "store")
		s.save(t, dir)
		folders[dir] = name
		bitesInGo(t, name, c, s)
	}
	for _, v := range judgePython(t, csv, slices.Collect(maps.Keys(folders))...) {
		name := folders[v.Folder]
		if want := name != "as it was" && !slices.Contains(metadataOnly, name); (v.Count > 0) != want {
			t.Errorf("%s: %s finds %d problems %q", name, v.Reader, v.Count, v.Problems)
		}
	}
}

func bitesInGo(t *testing.T, name string, c claim, s store) {
	p := c.judge(s)
	if (len(p) > 0) != (name != "as it was") {
		t.Errorf("%s: %d problems %q", name, len(p), p)
	}
	for reader := range readers[c.ext] {
		found := slices.ContainsFunc(p, func(text string) bool { return strings.Contains(text, reader) })
		if _, rows := wrongRows[name]; rows && found != (name != "as it was") {
			t.Errorf("%s: %s finds %v", name, reader, found)
		}
	}
}

// What a topic might hold instead of the rows of a file.
func TestTheJudgeOfTopicsBites(t *testing.T) {
	right := readCSV(t, hsi)
	topicOf := func(rows []stock) topic {
		tp := topic{name: "stock", partitions: make([][]message, 3)}
		for i, row := range rows {
			tp.partitions[1] = append(tp.partitions[1], message{offset: int64(i), stock: row})
		}
		return tp
	}
	for name, wrong := range wrongRows {
		if p := topicOf(wrong(slices.Clone(right))).holds(right); (len(p) > 0) != (name != "as it was") {
			t.Errorf("%s: %d problems %q", name, len(p), p)
		}
	}
	parted := topicOf(right)
	parted.partitions[0], parted.partitions[1] = parted.partitions[1][:9], parted.partitions[1][9:]
	if p := parted.holds(right); len(p) == 0 {
		t.Error("one index in two partitions: no problem")
	}
}

// copied is a store in which one object may be changed.
func copied(s store, key string) store {
	s = maps.Clone(s)
	o := s[key]
	o.meta = maps.Clone(o.meta)
	s[key] = o
	return s
}

// written is a file of these rows, such as the lake holds or such as the raw ones.
func written(t *testing.T, ext string, rows []stock) []byte {
	var b bytes.Buffer
	var err error
	if ext == ".parquet" {
		err = writeParquet(&b, rows)
	} else {
		z := gzip.NewWriter(&b)
		for _, row := range rows {
			z.Write(lineOf(row))
		}
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func lineOf(s stock) []byte {
	line := []byte(`{"Date":"` + s.date + `"`)
	for i, p := range s.prices {
		name, _ := json.Marshal(header[2+i])
		line = append(append(append(line, ','), name...), ':')
		if p.null {
			line = append(line, "null"...)
			continue
		}
		f := math.Float64frombits(p.bits)
		if line = strconv.AppendFloat(line, f, 'g', -1, 64); f == 0 {
			line = append(line, ".0"...) // the text -0 is an integer to DuckDB, and has no sign
		}
	}
	return append(line, "}\n"...)
}

type lakeRow struct {
	Date     int32    `parquet:"date,optional,date"`
	Open     *float64 `parquet:"open,optional"`
	High     *float64 `parquet:"high,optional"`
	Low      *float64 `parquet:"low,optional"`
	Close    *float64 `parquet:"close,optional"`
	AdjClose *float64 `parquet:"adj_close,optional"`
	Volume   *float64 `parquet:"volume,optional"`
	CloseUSD *float64 `parquet:"close_usd,optional"`
}

func writeParquet(b *bytes.Buffer, rows []stock) error {
	w := parquet.NewGenericWriter[lakeRow](b)
	for _, s := range rows {
		d, err := time.Parse(time.DateOnly, s.date)
		if err != nil {
			return err
		}
		var cells [7]*float64
		for i, p := range s.prices {
			if f := math.Float64frombits(p.bits); !p.null {
				cells[i] = &f
			}
		}
		row := lakeRow{int32(d.Unix() / 86400), cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]}
		if _, err := w.Write([]lakeRow{row}); err != nil {
			return err
		}
	}
	return w.Close()
}
