//go:build points

package connector

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

var reached atomic.Int64

// point stands still at the step that PENSTOCK_POINT names (with @N: the Nth time only), having made the file PENSTOCK_POINT_FILE
// to say so: whoever set them kills the process, or lets it go on by removing the file.
func point(name string) {
	want, nth, counted := strings.Cut(os.Getenv("PENSTOCK_POINT"), "@")
	if want != name {
		return
	}
	if n, _ := strconv.ParseInt(nth, 10, 64); counted && reached.Add(1) != n {
		return
	}
	file := os.Getenv("PENSTOCK_POINT_FILE")
	if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
		panic(err)
	}
	for err := error(nil); err == nil; _, err = os.Stat(file) {
		time.Sleep(time.Millisecond)
	}
}
