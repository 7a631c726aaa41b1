package parts

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// CPU is the time on processors that the program used; of one that runs, so far, to a hundredth of a second.
func (p *Process) CPU() time.Duration {
	select {
	case <-p.done:
		if s := p.cmd.ProcessState; s != nil {
			return s.UserTime() + s.SystemTime()
		}
		return 0
	default:
	}
	const tick = 10 * time.Millisecond // of every Linux that Go runs on
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// Peak is the most bytes of memory that the program has had resident so far; 0 when it has gone.
func (p *Process) Peak() int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}
