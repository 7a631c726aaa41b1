package connector

import (
	"encoding/json"
	"fmt"

	"github.com/penstock/penstock/kafka"
)

// memo is what stands in the group's metadata beside a partition's offset S: with it a successor finishes what we began.
type memo struct {
	Version int    `json:"v"`
	End     int64  `json:"end,omitempty"` // a plan: [S,End) may be visible in part, and is to be made so in whole
	Layout  string `json:"layout"`
	Schema  int    `json:"schema"`
	Topic   string `json:"topic,omitempty"`  // the topic's id
	Owed    *int64 `json:"owed,omitempty"`   // the first offset that hooks have not been told of
	Before  int64  `json:"before,omitempty"` // where the last interval that made anything visible ends, where that is known
}

const memoVersion = 1

// mark is the memo beside offset.
func (m memo) mark(offset int64) kafka.Mark {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // numbers and strings
	}
	return kafka.Mark{Offset: offset, Metadata: string(text)}
}

// readMemo reads what the group remembers of a partition. Nothing is a memo too: of an offset that an operator set, or of a first start.
func readMemo(m kafka.Mark) (memo, error) {
	if m.Metadata == "" {
		return memo{Version: memoVersion}, nil
	}
	var out memo
	if err := json.Unmarshal([]byte(m.Metadata), &out); err != nil || out.Version == 0 || out.Version == memoVersion && out.Layout == "" {
		return out, fmt.Errorf("the committed offset's metadata is not penstock's: %.80q; another program uses this group: give the connector a group of its own", m.Metadata)
	}
	if out.Version != memoVersion {
		return out, fmt.Errorf("the committed offset's metadata is of version %d, this penstock knows %d; run the one that wrote it, or a later one", out.Version, memoVersion)
	}
	switch {
	case out.End != 0 && out.End < max(m.Offset, 0):
		return out, fmt.Errorf("the committed plan ends at offset %d, before it begins at %d", out.End, m.Offset)
	case out.Schema < 0 || out.Owed != nil && *out.Owed < 0:
		return out, fmt.Errorf("the committed offset's metadata is damaged: %.200q; set the group's offset anew, to %d, which leaves the metadata out", m.Metadata, m.Offset)
	}
	return out, nil
}

// Owes tells whether hooks have not been told of all that is visible, by what a group remembers.
func Owes(m kafka.Mark) bool {
	memo, err := readMemo(m)
	return err == nil && memo.Owed != nil
}
