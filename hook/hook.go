// Package hook says what a hook is: something that runs after a flush, beside the data path.
package hook

import (
	"context"

	"github.com/penstock/penstock/sink"
)

// Event says what has become visible since the hook last ran. Without Files and with Recovered a run that died may have left
// files that were never announced: look yourself.
type Event struct {
	Connector string
	Files     []sink.File
	Recovered bool
}

// Hook is called with one event at a time; events that come meanwhile are merged into the next. It may take its time: the
// data path never waits for it. After an error it is called again, with backoff.
type Hook interface {
	Flushed(ctx context.Context, e Event) error
}
