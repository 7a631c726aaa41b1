package connector

import (
	"fmt"
	"testing"

	"github.com/penstock/penstock/sink"
)

// How many paths there are in all shows in how seldom those of a sample come back.
func TestManyPaths(t *testing.T) {
	for name, c := range map[string]struct {
		rows func(i int) int64 // of path i
		n    int
		warn bool
	}{
		"few":                   {func(int) int64 { return 1 }, 100, false},
		"one a record":          {func(int) int64 { return 1 }, 200, true},
		"many, which come back": {func(int) int64 { return 3 }, 3000, false},
		"more than that":        {func(int) int64 { return 3 }, 10_001, true},
		"half of them once":     {func(i int) int64 { return 1 + int64(i%2) }, 4000, false},
		"most of them once":     {func(i int) int64 { return 1 + int64(i%10)/9 }, 4000, true},
	} {
		t.Run(name, func(t *testing.T) {
			var p Preview
			for i := range c.n {
				for range c.rows(i) { // of several partitions
					p.Files = append(p.Files, sink.File{Path: fmt.Sprint("p", i), Rows: 1})
				}
			}
			if p.warn(); p.Paths != c.n || (len(p.Warnings) > 0) != c.warn {
				t.Errorf("%d paths, %q", p.Paths, p.Warnings)
			}
		})
	}
}
