package parts

import (
	"os/exec"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	p, err := Start(t.TempDir(), "busy", exec.Command("sh", "-c", "read x </dev/null; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 300"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	for since := time.Now(); p.CPU() < 50*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		if time.Since(since) > 30*time.Second {
			t.Fatalf("a busy program used %v", p.CPU())
		}
	}
	if peak := p.Peak(); peak < 100<<10 || peak > 100<<20 {
		t.Errorf("a shell's peak of memory is %d bytes", peak)
	}
	so := p.CPU()
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if p.CPU() < so-10*time.Millisecond || p.Peak() != 0 {
		t.Errorf("ended: %v of CPU, %v before; a peak of %d", p.CPU(), so, p.Peak())
	}
}
