package parts

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// SmallFolder is a folder on a file system of its own that holds so many bytes and no more, for the length of the test. Any process
// of this user may use it, by this path. The file system lies in memory and in the mount namespace of a process that does nothing
// else: it is gone with that process, which is gone with this one, however that ends.
func SmallFolder(t testing.TB, bytes int64) string {
	t.Helper()
	dir := t.TempDir()
	// Root may mount, unless it is root of a container; a user namespace's root may, where users may make one.
	var refused []error
	for _, how := range []*syscall.SysProcAttr{{Cloneflags: syscall.CLONE_NEWNS}, ownUser()} {
		path, end, err := smallFolder(how, dir, bytes)
		if err == nil {
			t.Cleanup(end)
			return path
		}
		refused = append(refused, err)
	}
	unavailable(t, fmt.Sprintf("a small file system cannot be mounted: %v", refused))
	return ""
}

func ownUser() *syscall.SysProcAttr {
	root := func(id int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
	}
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: root(os.Getuid()), GidMappings: root(os.Getgid())}
}

// smallFolder mounts in a process that ends when its input does.
func smallFolder(how *syscall.SysProcAttr, dir string, bytes int64) (path string, end func(), err error) {
	cmd := exec.Command("sh", "-c", `mount --make-rprivate / && mount -t tmpfs -o "size=$1,mode=700" small "$2" && echo mounted && exec cat >/dev/null`,
		"sh", fmt.Sprint(bytes), dir)
	cmd.SysProcAttr = how
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, inner, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = inner, inner
	err = cmd.Start()
	inner.Close()
	if err != nil {
		in.Close()
		return "", nil, err
	}
	end = func() {
		in.Close()
		cmd.Wait()
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	if said == "mounted\n" {
		return fmt.Sprintf("/proc/%d/root%s", cmd.Process.Pid, dir), end, nil
	}
	end()
	return "", nil, fmt.Errorf("mount: %q (%w)", said, err)
}
