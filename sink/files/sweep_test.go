package files

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/sinktest"
)

// sweeps is a store that counts them, each of which asks about one upload.
type sweeps struct {
	discard
	done *atomic.Int32
}

func (s sweeps) Sweep(_ context.Context, _ string, needless func(string) bool) error {
	needless("left over")
	s.done.Add(1)
	return nil
}

// TestSweepWhileOthersCut: a sweep asks what partitions are open, whose own goroutines go on meanwhile. It is the race detector's to judge.
func TestSweepWhileOthersCut(t *testing.T) {
	var done atomic.Int32
	made, err := New(sweeps{done: &done}, Config{Path: parse(t, "all"), Format: sinktest.Lines{}}, Options{Slots: 4})
	if err != nil {
		t.Fatal(err)
	}
	e := made.(*engine)
	w, err := e.Open(t.Context(), sink.Claim{Topic: "t"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.(*writer).Close()
	cut := make(chan error)
	go func() {
		defer close(cut)
		for at := range int64(200) {
			if err := w.Write(t.Context(), &record.Batch{Records: []record.Record{{Offset: at, Value: []byte("x")}}}); err != nil {
				cut <- err
				return
			}
			f, err := w.Cut(at + 1)
			if err != nil {
				cut <- err
				return
			}
			f.(*flush).Close()
		}
	}()
	for {
		select {
		case err := <-cut:
			if err != nil || done.Load() == 0 {
				t.Errorf("%d sweeps, %v", done.Load(), err)
			}
			return
		default:
			e.sweep(t.Context(), true)
		}
	}
}
