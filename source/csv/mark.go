package csv

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
)

// mark is the offset of a split. It pins the columns and their types, so that a resumed read gives the same cells.
type mark struct {
	V     int           `json:"v"`
	Byte  int64         `json:"byte"` // where the next row begins
	Line  int           `json:"line"` // lines before it
	Row   int64         `json:"row"`  // rows before it, bad ones too
	Names []string      `json:"names"`
	Types []record.Type `json:"types"`
	Tail  uint32        `json:"tail"` // checksum of the bytes just before Byte
	Done  bool          `json:"done,omitempty"`
}

const tailBytes = 256

// parseMark reads an offset; the zero mark is the beginning.
func parseMark(o source.Offset) (m mark, err error) {
	if o == nil {
		return m, nil
	}
	if err := json.Unmarshal(o, &m); err != nil {
		return m, fmt.Errorf("the stored offset is not a csv source's: %w; give the connector another name to read from the start", err)
	}
	if m.V != 1 || len(m.Names) == 0 || len(m.Names) != len(m.Types) {
		return m, fmt.Errorf("the stored offset %s is not of a form that this version knows; run the version that wrote it", o)
	}
	return m, nil
}

// offset is what parseMark reads.
func (m *mark) offset() (source.Offset, error) {
	m.V = 1
	return json.Marshal(m)
}

// seal notes the bytes before the mark.
func (m *mark) seal(f io.ReaderAt) (err error) {
	m.Tail, err = tail(f, m.Byte)
	return err
}

// check refuses a file that is not the one the mark was made in.
func (m *mark) check(f *os.File, names []string) error {
	const remedy = "give the new file another name, or the connector one, to read it from the start"
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Size() < m.Byte {
		return fmt.Errorf("the file was replaced: %d bytes had been read, now it has %d; %s", m.Byte, st.Size(), remedy)
	}
	if !slices.Equal(names, m.Names) {
		return fmt.Errorf("the file was replaced: its columns were %q, now they are %q; %s", m.Names, names, remedy)
	}
	sum, err := tail(f, m.Byte)
	if err == nil && sum != m.Tail {
		return fmt.Errorf("the file was replaced: line %d, the last one read, is another now; %s", m.Line, remedy)
	}
	return err
}

func tail(f io.ReaderAt, end int64) (uint32, error) {
	b := make([]byte, min(end, tailBytes))
	if _, err := f.ReadAt(b, end-int64(len(b))); err != nil && err != io.EOF {
		return 0, err
	}
	return crc32.ChecksumIEEE(b), nil
}
