package chaos

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penstock/penstock/parts"
)

// TestFullDisk leaves no room in TMPDIR for files that do not fit into memory: each attempt fails and says so, the membership stays, so
// it is after a kill, and once there is room all goes on by itself. No file there ever has a name.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	scratch := parts.SmallFolder(t, 32<<20)
	ballast := filepath.Join(scratch, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 31<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	named := watch(t, scratch)
	b := newBed(t)
	b.make(b.name, 1)
	b.file("connectors.yaml", strings.NewReplacer("{rows: 10, every: 1s}", "{rows: 64, every: 1h}", "format: json", "format: parquet").Replace(simple))
	values := make([][]byte, 64)
	chance, pad := rand.NewChaCha8([32]byte{}), make([]byte, 300_000) // which does not get smaller
	for i := range values {
		_, _ = chance.Read(pad)
		values[i] = fmt.Appendf(nil, `{"id":%d,"p":"a","pad":"%s"}`, b.sent, base64.StdEncoding.EncodeToString(pad))
		b.sent++
	}
	for part := range slices.Chunk(values, 2) {
		b.produce(b.name, 0, part, "")
	}
	const says = "no space left on device; free some, or set TMPDIR to a folder on a larger disk"
	start := func() *worker {
		w := &worker{parts.StartPenstock(t, parts.Penstock(t), b.dir, append(b.env(), "TMPDIR="+scratch), "run", "-v"), t, ""}
		await(t, "an attempt that fails", func() bool { return w.says(says) })
		return w
	}
	w := start()
	w.must("kill", w.Kill())
	w = start() // which redoes what was planned
	before := b.members(b.group())
	for began := time.Now(); time.Since(began) < 2*session; time.Sleep(100 * time.Millisecond) {
		if now := b.members(b.group()); !slices.Equal(now, before) || len(now) != 1 {
			t.Fatalf("the group's members were %q, now %q", before, now)
		}
	}
	if m := b.remembered(); m.offset != 0 || m.End != 64 {
		t.Errorf("the group remembers %v with a full disk", m)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	await(t, "the rows", func() bool { return b.remembered().offset == 64 })
	if now := b.members(b.group()); !slices.Equal(now, before) {
		t.Errorf("the group's members were %q, now %q", before, now)
	}
	if names := named(); len(names) > 0 {
		t.Errorf("files with names were made in TMPDIR: %q", names)
	}
	w.stop()
	b.wantRows(b.tables())
	b.wantChain()
}

// TestFullDiskWhileRedoing: an interval that has to be made again as it was begun does not fit into memory, nor onto the disk: it is read
// as far as memory goes, and the rest once there is room.
func TestFullDiskWhileRedoing(t *testing.T) {
	t.Parallel()
	scratch := parts.SmallFolder(t, 64<<20)
	b := newBed(t)
	b.make(b.name, 1)
	rows := strings.Replace(simple, "{rows: 10, every: 1s}", "{rows: 40, every: 1h}", 1)
	b.file("connectors.yaml", rows)
	pad := strings.Repeat("x", 300_000)
	for range 40 {
		b.produce(b.name, 0, [][]byte{fmt.Appendf(nil, `{"id":%d,"p":"%c","pad":"%s"}`, b.sent, 'a'+b.sent%3, pad)}, "")
		b.sent++
	}
	w := b.startTo("planned")
	await(t, "the plan", w.stands)
	w.must("kill", w.Kill())
	ballast := filepath.Join(scratch, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 64<<20-4096), 0o600); err != nil {
		t.Fatal(err)
	}
	ports, err := parts.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	b.file("connectors.yaml", rows+fmt.Sprintf("memory: 16MiB\nlisten: 127.0.0.1:%d\n", ports[0]))
	w = &worker{parts.StartPenstock(t, parts.Penstock(t), b.dir, append(b.env(), "TMPDIR="+scratch), "run", "-v"), t, ""}
	await(t, "memory that is used up", func() bool {
		return w.says("rows could not be moved out of memory") && held(t, ports[0]) > 4<<20
	})
	for range 20 {
		if n := held(t, ports[0]); n > 7<<20 {
			t.Fatalf("%d bytes are held, with room for 4 MiB", n)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	await(t, "the rows", func() bool { return b.remembered().offset == 40 })
	w.stop()
	b.wantAll()
	b.wantChain()
}

// held is how many bytes of rows a worker holds, as it says itself.
func held(t *testing.T, port int) int64 {
	t.Helper()
	r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/health", port))
	if err != nil {
		return 0
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer r.Body.Close()
	var says struct {
		Buffered int64 `json:"buffered_bytes"`
	}
	if err := json.NewDecoder(r.Body).Decode(&says); err != nil {
		t.Fatal(err)
	}
	return says.Buffered
}

// watch gives, when called, the names of all files that were made in a folder meanwhile.
func watch(t *testing.T, dir string) func() []string {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err == nil {
		_, err = unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MOVED_TO)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return func() (names []string) {
		buf := make([]byte, 64<<10)
		n, err := unix.Read(fd, buf)
		if err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		for n > unix.SizeofInotifyEvent {
			size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[12:]))
			names = append(names, strings.TrimRight(string(buf[unix.SizeofInotifyEvent:size]), "\x00"))
			buf, n = buf[size:], n-size
		}
		return names
	}
}
