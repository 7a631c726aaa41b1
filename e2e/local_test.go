package e2e

import (
	"testing"

	"github.com/penstock/penstock/parts"
)

// Both formats in folders of this machine, and then in copies with something wrong with them.
func TestLocalFolders(t *testing.T) {
	p, dir := newPipeline(t, "local", writeCSV(t, indexes[8:], 3000)), t.TempDir()
	p.configure("s3:\n        bucket: stock-lake", "local:\n        dir: "+dir,
		"flush: {every: 1m}", "flush: {rows: 400, every: 1m}", "rows: 50000", "rows: 400",
		"{crawler: stock, at_most_every: 15m}", "{crawler: "+p.id+", at_most_every: 0s, poll: 100ms}")
	p.drain()
	tp, made := readTopic(t, parts.Kafka(t), p.id), byPrefix(t, localFiles(t, dir))
	judged(t, p.id, p.csv, tp, made)
	if t.Failed() {
		return
	}
	for prefix, c := range claims(p.id, tp) {
		t.Run("the judge of "+prefix+" bites", func(t *testing.T) { bites(t, c, made[prefix], p.csv) })
	}
}
