package files

import (
	"fmt"
	"strings"

	"github.com/penstock/penstock/sink"
)

// Preview makes a Writer that asks no store: its flushes are to be listed, not committed.
func (e *engine) Preview(c sink.Claim) sink.Writer { return newWriter(e, c) }

// Files is what Commit would make, but for sizes. A folder that readers do not see is a warning.
func (f *flush) Files() []sink.File {
	made := make([]sink.File, len(f.parts))
	for i, p := range f.parts {
		made[i] = sink.File{
			Name: p.name, Path: p.path, Topic: f.claim.Topic, Partition: f.claim.Partition, First: p.first, Next: f.until, Rows: p.rows,
		}
	}
	for _, p := range f.parts {
		for name := range strings.SplitSeq(p.path, "/") {
			if hidden(name) && name != nullValue {
				f.engine.warn(fmt.Errorf("path: %w", errHidden(name)))
				return made
			}
		}
	}
	return made
}
