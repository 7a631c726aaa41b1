package kafka

import (
	"encoding/binary"
	"testing"
	"time"
)

// ring does what librdkafka does.
func ring(t *testing.T, ws *wakers, ids ...uint64) {
	t.Helper()
	var b []byte
	for _, id := range ids {
		b = binary.NativeEndian.AppendUint64(b, id)
	}
	if _, err := ws.w.Write(b); err != nil {
		t.Fatal(err)
	}
}

func rings(w *waker) bool {
	select {
	case <-w.bell:
		return true
	case <-time.After(50 * time.Millisecond):
		return false
	}
}

func TestWakers(t *testing.T) {
	ws, err := newWakers()
	if err != nil {
		t.Fatal(err)
	}
	defer ws.close()
	a, b, gone := ws.add(), ws.add(), ws.add()
	ws.remove(gone)
	ring(t, ws, b.id, gone.id, 99, b.id, b.id)
	time.Sleep(50 * time.Millisecond)
	if !rings(b) || rings(b) || rings(a) || rings(gone) {
		t.Error("three rings are one, for the one they are for")
	}
	for i := range 10_000 { // more than the pipe or one read holds
		ring(t, ws, []uint64{a.id, b.id}[i%2])
	}
	if !rings(a) || !rings(b) {
		t.Error("rings were lost")
	}
	if ws.add().id == gone.id {
		t.Error("an id is used again: an old ring could be for another")
	}
	if _, err := ws.w.Write([]byte{1, 2, 3}); err != nil { // a write that was torn
		t.Fatal(err)
	}
	ring(t, ws, a.id)
	if _, err := ws.w.Write(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
}
