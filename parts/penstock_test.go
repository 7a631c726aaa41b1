package parts

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPenstock(t *testing.T) {
	bin := Penstock(t)
	if points := Penstock(t, "points"); points == bin || filepath.Base(points) != "penstock-points" {
		t.Errorf("with tags it is %s", points)
	}
	if again := Penstock(t); again != bin {
		t.Errorf("first %s, then %s", bin, again)
	}
	for _, tt := range []struct {
		args []string
		code int
		log  string
	}{
		{[]string{"version"}, 0, "librdkafka"},
		{[]string{"run", "nowhere.yaml"}, 2, "nowhere.yaml"},
	} {
		p := StartPenstock(t, bin, t.TempDir(), nil, tt.args...)
		code, err := p.Wait(t.Context())
		if code != tt.code || err != nil || !strings.Contains(p.Tail(5), tt.log) {
			t.Errorf("%v: code %d, error %v, log:\n%s", tt.args, code, err, p.Tail(5))
		}
	}
}

func TestWaitIsBounded(t *testing.T) {
	p := running(t, "exec sleep 300")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := p.Wait(ctx); err == nil {
		t.Error("no error while it runs")
	}
	p.Kill()
	if code, err := p.Wait(t.Context()); code != -1 || err != nil {
		t.Errorf("killed: code %d, error %v", code, err)
	}
}
