package csv

import (
	"encoding/json"
	"fmt"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
)

// mark is the offset of a split. It pins the columns and their types, so that a resumed read gives the same cells.
type mark struct {
	V     int           `json:"v"`
	Byte  int64         `json:"byte"` // of the text, where the next row begins; of a sample, the text's size
	Line  int           `json:"line"` // lines before it
	Row   int64         `json:"row"`  // rows given so far, bad ones too
	Names []string      `json:"names,omitempty"`
	Types []record.Type `json:"types,omitempty"`
	Tail  uint32        `json:"tail"`            // checksum of the bytes just before Byte
	Order string        `json:"order,omitempty"` // unless it is the file's
	Pass  int           `json:"pass,omitempty"`  // how many times the file has been read
	Done  bool          `json:"done,omitempty"`  // Byte is the end of the file
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
	if m.V != 1 || len(m.Names) != len(m.Types) || len(m.Names) == 0 && m.Byte > 0 || min(m.Byte, int64(m.Line), m.Row, int64(m.Pass)) < 0 {
		return m, fmt.Errorf("the stored offset %s is not of a form that this version knows; run the version that wrote it", o)
	}
	if len(m.Names) == 0 {
		m = mark{}
	}
	return m, nil
}

// offset is what parseMark reads.
func (m mark) offset() (source.Offset, error) {
	m.V = 1
	return json.Marshal(m)
}

// moved is the mark at another place of the same split.
func (m mark) moved(to place) mark {
	m.Byte, m.Line, m.Tail = to.at, to.line, to.tail
	return m
}

// replaced says that the file is not the one that its mark was made in.
func replaced(format string, args ...any) error {
	return fmt.Errorf("the file was replaced: "+format+"; give the new file another name, or the connector one, to read it from the start", args...)
}

func shrunk(was, is int64) error {
	return replaced("%d bytes had been read, now it has %d", was, is)
}
