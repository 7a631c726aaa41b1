package kafka

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestGateClosesWhenEffectsHaveEnded(t *testing.T) {
	g := &gate{ours: func() bool { return true }}
	begun, end := make(chan bool), make(chan bool)
	var ended atomic.Bool
	effects := make(chan error, 2)
	for range 2 { // effects of one partition may run side by side
		go func() {
			effects <- g.do(t.Context(), func(context.Context) error {
				begun <- true
				<-end
				ended.Store(true)
				return nil
			})
		}()
		<-begun
	}
	closed := make(chan bool)
	go func() { g.close(); closed <- ended.Load() }()
	select {
	case <-closed:
		t.Fatal("the gate closed while effects were under way")
	case <-time.After(50 * time.Millisecond):
	}
	late := make(chan error)
	go func() {
		late <- g.do(context.Background(), func(context.Context) error { t.Error("an effect began behind close"); return nil })
	}()
	close(end)
	if !<-closed || <-effects != nil || <-effects != nil {
		t.Error("close did not wait for the effects")
	}
	if err := <-late; !errors.Is(err, ErrGone) {
		t.Errorf("an effect that came while the gate closed: %v", err)
	}
	if g.open() {
		t.Error("a closed gate is open")
	}
	g.close() // again is harmless
}

func TestGateRefuses(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	var member atomic.Value
	member.Store("first")
	changed := &gate{ours: func() bool { return member.Load() == "first" }}
	shut := &gate{ours: func() bool { return true }}
	shut.close()
	if err := changed.do(t.Context(), func(context.Context) error { return errors.ErrUnsupported }); err != errors.ErrUnsupported || !changed.open() {
		t.Errorf("an open gate: %v", err)
	}
	member.Store("second")
	for name, c := range map[string]struct {
		gate *gate
		ctx  context.Context
		want error
	}{
		"the group knows us by another id": {changed, t.Context(), ErrGone},
		"closed":                           {shut, t.Context(), ErrGone},
		"no more time":                     {&gate{ours: shut.ours}, done, context.Canceled},
	} {
		err := c.gate.do(c.ctx, func(context.Context) error { t.Errorf("%s: let through", name); return nil })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
