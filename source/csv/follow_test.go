package csv

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock/penstock/source"
)

// followed is a file that is followed while it is written.
type followed struct {
	t      *testing.T
	path   string
	cancel context.CancelFunc
	rows   []string
	ends   int // pages that said so
	next   source.Offset
	err    error
	done   chan bool
}

// follow reads dir/f.csv in a goroutine of the bubble.
func follow(t *testing.T, dir string, after source.Offset, set func(*Config)) *followed {
	ctx, cancel := context.WithCancel(t.Context())
	f := &followed{t: t, path: dir + "/f.csv", cancel: cancel, done: make(chan bool)}
	src := open(t, dir+"/*.csv", func(c *Config) {
		if c.Follow = true; set != nil {
			set(c)
		}
	})
	go func() {
		defer close(f.done)
		for p, err := range src.Read(ctx, "f.csv", after) {
			if f.err = err; err != nil {
				return
			}
			for _, r := range p.Records {
				cell := "bad"
				if r.Row != nil {
					cell = show(r.Row[0])
				}
				f.rows = append(f.rows, cell)
			}
			if f.next = p.Next; p.AtEnd {
				f.ends++
			}
		}
	}()
	f.settle()
	return f
}

// settle waits until all that is there has been read.
func (f *followed) settle() {
	time.Sleep(2 * pollEvery)
	synctest.Wait()
}

func (f *followed) append(text string) {
	f.t.Helper()
	w, err := os.OpenFile(f.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	_, err = w.WriteString(text)
	if err := errors.Join(err, w.Close()); err != nil {
		f.t.Fatal(err)
	}
	f.settle()
}

func (f *followed) stop() {
	f.cancel()
	<-f.done
}

func TestFollow(t *testing.T) {
	steps := []struct{ add, rows string }{
		{"", ""}, {"n", ""}, {",t\r", ""}, {"\n", ""}, {"1", ""}, {",x", ""}, {"\n", "1"}, {"2,y\n3,z\n4", "1 2 3"}, {",\"q", "1 2 3"}, {"\nr", "1 2 3"},
		{"\"", "1 2 3"}, {"\n\n", "1 2 3 4"}, {"5,v\n", "1 2 3 4 5"}, {"last,", "1 2 3 4 5"},
	}
	dir := write(t, map[string]string{"f.csv": ""})
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, dir, nil, nil)
		for _, s := range steps {
			if f.append(s.add); strings.Join(f.rows, " ") != s.rows || f.err != nil || f.ends == 0 {
				t.Fatalf("after %q: %q, not %q, %d ends, %v", s.add, f.rows, s.rows, f.ends, f.err)
			}
		}
		f.stop()
		if f.ends > len(steps) || !errors.Is(f.err, context.Canceled) {
			t.Errorf("%d ends, %v", f.ends, f.err)
		}
		again := follow(t, dir, f.next, nil)
		again.append("w\n")
		again.stop()
		if strings.Join(again.rows, " ") != "bad" { // "last" is no int64
			t.Errorf("%q", again.rows)
		}
	})
}

// What is done to a file that is followed, other than to append to it, is told.
func TestFollowedFileReplaced(t *testing.T) {
	const text = "n,t\n1,x\n2,y\n"
	rewrite := func(now string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(now), 0o644) }
	}
	for _, tt := range []struct {
		name, want string
		do         func(path string) error
	}{
		{"removed", "nothing stands in its place", os.Remove},
		{"truncated", "12 bytes had been read, now it has 4", func(path string) error { return os.Truncate(path, 4) }},
		{"rewritten", "line 3, the last one read, is another now", rewrite("n,t\n1,x\n7,z\n8,y\n")},
		{"renamed over", "another one stands in its place", func(path string) error {
			return errors.Join(rewrite(text+"3,z\n")(path+".new"), os.Rename(path+".new", path))
		}},
	} {
		dir := write(t, map[string]string{"f.csv": text})
		synctest.Test(t, func(t *testing.T) {
			f := follow(t, dir, nil, nil)
			if err := tt.do(f.path); err != nil {
				t.Fatal(err)
			}
			f.settle()
			<-f.done
			if f.err == nil || !strings.Contains(f.err.Error(), "the file was replaced: ") || !strings.Contains(f.err.Error(), tt.want) || strings.Join(f.rows, " ") != "1 2" {
				t.Errorf("%s: %q, %v", tt.name, f.rows, f.err)
			}
		})
	}
}

// Without a header, and with all types declared, a file that is followed begins before its first row is there.
func TestFollowWithoutHeader(t *testing.T) {
	dir := write(t, map[string]string{"f.csv": ""})
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, dir, nil, func(c *Config) { c.Header, c.Columns = false, columns(t, "a", "int64") })
		f.append("1\n2\nx\n3")
		f.stop()
		if strings.Join(f.rows, " ") != "1 2 bad" || f.ends == 0 {
			t.Errorf("%q, %d ends, %v", f.rows, f.ends, f.err)
		}
	})
}

func TestCompressedFileIsNotFollowed(t *testing.T) {
	dir := write(t, map[string]string{"f.csv.gz": gzipped(t, "a\n1\n")})
	src := open(t, dir+"/f*", func(c *Config) { c.Follow = true })
	if r := read(t.Context(), src, "f.csv.gz", nil); r.err == nil || !strings.Contains(r.err.Error(), "a compressed file cannot be followed") {
		t.Error(r.err)
	}
}

func TestEndless(t *testing.T) {
	for _, tt := range []struct {
		set    func(*Config)
		option string
		waits  bool
	}{
		{nil, "", false},
		{func(c *Config) { c.Repeat = 9 }, "", false},
		{func(c *Config) { c.Repeat = forever }, "repeat: forever", false},
		{func(c *Config) { c.Order = sampled }, "order: sample", false},
		{func(c *Config) { c.Follow = true }, "follow: true", true},
	} {
		option, waits := open(t, "*.csv", tt.set).(source.Endless).Endless()
		if option != tt.option || waits != tt.waits {
			t.Errorf("%q %v, not %q", option, waits, tt.option)
		}
	}
}
