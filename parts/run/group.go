package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// ownGroup puts the command into a process group of its own, so that a signal reaches all it starts; on a terminal it
// stays in ours, which the terminal signals itself. The result is where to send a signal once the command runs.
func ownGroup(cmd *exec.Cmd) (target func() int) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	sign := 1
	if !terminal(os.Stdin) {
		cmd.SysProcAttr.Setpgid = true
		sign = -1
	}
	return func() int { return sign * cmd.Process.Pid }
}

func terminal(f *os.File) bool {
	var group int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGPGRP, uintptr(unsafe.Pointer(&group)))
	return errno == 0
}

// followParent ends this process, in the orderly way, when the go command that runs it dies: a signal to go run does
// not come through.
func followParent() {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", os.Getppid()))
	if err != nil || strings.TrimSpace(string(name)) != "go" {
		return
	}
	runtime.LockOSThread()
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0)
}
