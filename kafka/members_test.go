package kafka

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// The environment of a member process: where it writes what it did, and what it reads.
const (
	memberLog    = "PENSTOCK_MEMBER_LOG"
	memberTopic  = "PENSTOCK_MEMBER_TOPIC"
	memberBroker = "PENSTOCK_MEMBER_BROKER"
)

// memberProcess is a member of a group that commits every batch as it comes, and writes a line for every commit that was accepted:
// partition, from, to; and one for every effect that got through the gate after a commit of the same stay was refused.
func memberProcess() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log, err := os.OpenFile(os.Getenv(memberLog), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	top := os.Getenv(memberTopic)
	c := &Client{Config: Config{Brokers: []string{os.Getenv(memberBroker)}, Properties: map[string]string{"session.timeout.ms": "2000"}}}
	own := func(ctx context.Context, p *Partition) error {
		fmt.Fprintf(log, "own %d %d by %d at %v\n", p.ID, p.Start.Offset, os.Getpid(), time.Now().Format("05.000"))
		from := p.Start.Offset
		for b, err := range p.Batches(ctx) {
			if err != nil {
				low, high, _ := p.Bounds()
				return fmt.Errorf("partition %d, position %d, bounds %d %d: %w", p.ID, p.next, low, high, err)
			}
			if b.Next == from {
				continue
			}
			time.Sleep(30 * time.Millisecond) // a member that is stopped is likely to be stopped here, and to wake with a commit
			if err := p.Commit(ctx, Mark{Offset: b.Next, Metadata: fmt.Sprint(os.Getpid())}); err != nil {
				fmt.Fprintf(log, "refused %d %v\n", p.ID, err)
				if errors.Is(err, ErrGone) && ctx.Err() == nil {
					time.Sleep(100 * time.Millisecond) // by now the group knows that it has shut us out
				}
				return p.Effect(context.Background(), func(context.Context) error {
					_, err := fmt.Fprintf(log, "leak %d\n", p.ID)
					return err
				})
			}
			fmt.Fprintf(log, "ok %d %d %d\n", p.ID, from, b.Next)
			from = b.Next
		}
		return nil
	}
	for ctx.Err() == nil {
		err := c.Consume(ctx, Group{Name: top, Topics: []string{top}, Own: own, Revoke: time.Second, Drain: 2 * time.Second})
		fmt.Fprintf(log, "ended %v by %d at %v\n", err, os.Getpid(), time.Now().Format("05.000"))
	}
	return 0
}

// startMember starts a member process that writes to log.
func startMember(t *testing.T, log, top string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), memberLog+"="+log, memberTopic+"="+top, memberBroker+"="+parts.Kafka(t))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func lines(t testing.TB, log string) (out []string) {
	f, err := os.Open(log)
	if err != nil {
		return nil
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		out = append(out, s.Text())
	}
	return out
}

func linesOf(t testing.TB, log, kind string) int {
	n := 0
	for _, l := range lines(t, log) {
		if strings.HasPrefix(l, kind+" ") {
			n++
		}
	}
	return n
}

// TestNoEffectUnderAClosedGate drives two members through a join, a leave, and a stop past the session timeout, under load. Commits that were
// accepted must tile each partition exactly: a commit of a member that no longer owned the partition would overlap another's.
func TestNoEffectUnderAClosedGate(t *testing.T) {
	c := client(t)
	top := topic(t, c, 4)
	log := t.TempDir() + "/log"
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(lines(t, log), "\n"))
		}
	})
	var load sync.WaitGroup
	feeding, fed := context.WithCancel(t.Context())
	defer load.Wait()
	defer fed()
	load.Go(func() {
		for i := 0; feeding.Err() == nil; i++ {
			fill(t, c, top, numbers(i*200, 200)...)
			time.Sleep(20 * time.Millisecond)
		}
	})
	first := startMember(t, log, top)
	eventually(t, "the first member owns all", func() bool { return linesOf(t, log, "own") == 4 })
	second := startMember(t, log, top)
	eventually(t, "the second member owns two", func() bool { return linesOf(t, log, "own") == 6 })

	for range 3 {
		owned := linesOf(t, log, "own")
		first.Process.Signal(syscall.SIGSTOP)
		eventually(t, "the second member has taken the first one's over", func() bool { return linesOf(t, log, "own") == owned+2 })
		time.Sleep(time.Second)
		first.Process.Signal(syscall.SIGCONT)
		eventually(t, "the first member came back", func() bool { return linesOf(t, log, "own") >= owned+4 })
	}
	owned := linesOf(t, log, "own")
	second.Process.Signal(syscall.SIGTERM)
	eventually(t, "the first member owns all again", func() bool { return linesOf(t, log, "own") >= owned+2 })
	fed()
	load.Wait()
	a, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ends, err := a.Ends(t.Context(), []string{top})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is committed", func() bool {
		for i, m := range committed(t, c, top) {
			if m.Offset < ends[top][i] {
				return false
			}
		}
		return true
	})
	first.Process.Signal(syscall.SIGTERM)
	first.Wait()
	tiled(t, lines(t, log), ends[top])
}

// tiled checks that the accepted commits of each partition follow each other from the beginning to the end, and that nothing leaked.
func tiled(t *testing.T, log []string, ends []int64) {
	t.Helper()
	spans := map[int][][2]int64{}
	for _, l := range log {
		var p int
		var from, to int64
		if n, _ := fmt.Sscanf(l, "ok %d %d %d", &p, &from, &to); n == 3 {
			spans[p] = append(spans[p], [2]int64{from, to})
		}
		if strings.HasPrefix(l, "leak ") {
			t.Errorf("an effect got out after a refused commit: %s", l)
		}
	}
	for p, end := range ends {
		slices.SortFunc(spans[p], func(a, b [2]int64) int { return int(a[0] - b[0]) })
		at := int64(0)
		for _, s := range spans[p] {
			if s[0] != at {
				t.Errorf("partition %d: a commit was accepted for %d to %d, the one before ended at %d", p, s[0], s[1], at)
			}
			at = s[1]
		}
		if at != end {
			t.Errorf("partition %d is committed up to %d of %d", p, at, end)
		}
	}
	if !strings.Contains(strings.Join(log, "\n"), "refused") {
		t.Error("no commit was refused: the members were never stopped where it counts")
	}
	t.Logf("%d commits accepted, %d refused", len(spans[0])+len(spans[1])+len(spans[2])+len(spans[3]), strings.Count(strings.Join(log, "\n"), "refused"))
}
