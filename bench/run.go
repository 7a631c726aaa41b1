package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/penstock/penstock/parts"
)

// outcome is one measured run of a whole process, from its start to its end: with penstock run --drain that is some hundredths of a second
// after the last offset was committed.
type outcome struct {
	Rows     int64         // as they were counted in what it made
	Bytes    int64         // of their values
	Wall     time.Duration //
	CPU      time.Duration // of the process alone
	Peak     int64         // bytes resident
	Requests int64         // that S3 had
	Objects  int
}

func (o outcome) rate() float64      { return float64(o.Rows) / o.Wall.Seconds() }
func (o outcome) cpuPerRow() float64 { return o.CPU.Seconds() * 1e6 / float64(max(1, o.Rows)) }
func (o outcome) megabytes() float64 { return float64(o.Bytes) / 1e6 / o.Wall.Seconds() }

// measure runs a command to its end.
func (w *world) measure(ctx context.Context, dir string, cmd *exec.Cmd) (o outcome, err error) {
	before, err := w.requests(ctx)
	if err != nil {
		return o, err
	}
	if w.perf != "" {
		cmd = underPerf(cmd, w.perf)
	}
	began := time.Now()
	p, err := parts.Start(dir, "program", cmd)
	if err != nil {
		return o, err
	}
	defer p.Kill()
	for done := false; !done; {
		o.Peak = max(o.Peak, p.Peak())
		select {
		case <-p.Done():
			done = true
		case <-ctx.Done():
			return o, fmt.Errorf("%w; it says\n%s", ctx.Err(), p.Tail(20))
		case <-time.After(5 * time.Millisecond):
		}
	}
	o.Wall, o.CPU = time.Since(began), p.CPU()
	if code, err := p.Wait(ctx); err != nil || code != 0 {
		return o, fmt.Errorf("%s ended with %d, %w; it says\n%s", cmd.Args, code, err, p.Tail(20))
	}
	after, err := w.requests(ctx)
	o.Requests = after - before
	return o, err
}

// sinkOptions is a connector that empties a topic.
type sinkOptions struct {
	path, format string
	flush        string // options
	typed        bool   // declare the columns
}

// runSink drains a topic with penstock, and counts what stands afterwards.
func (b *bench) runSink(ctx context.Context, d data, s sinkOptions) (outcome, error) {
	return b.world.toBucket(ctx, d, 1, func(name, dir string) (outcome, error) {
		schema := ""
		if s.typed {
			schema = "\n    schema: {columns: " + columns + "}"
		}
		body := fmt.Sprintf(`  %s:
    topics: [%s]%s
    sink: {s3: {bucket: %s, path: "%s", format: %s}}
    flush: {%s}
`, name, d.topic(), schema, name, s.path, s.format, s.flush)
		return b.drain(ctx, dir, enough(1, d.partitions), body)
	})
}

// usual is the memory of nearly all that is measured, in MiB: what a file has that says nothing of it.
const usual = 256

// enough is the least memory that check would name for so many sinks, which read so many partitions each, in MiB, if that is more than usual.
func enough(sinks, partitions int) int { return max(usual, (sinks*(10+partitions)*4+2)/3) }

// drain runs penstock over connectors until they have nothing to do, with so many MiB of memory.
func (b *bench) drain(ctx context.Context, dir string, memory int, connectors string) (outcome, error) {
	cmd, err := b.penstock(dir, memory, "", connectors, "run", "--drain")
	if err != nil {
		return outcome{}, err
	}
	return b.world.measure(ctx, dir, cmd)
}

// penstock is the command of a file of connectors in dir.
func (b *bench) penstock(dir string, memory int, more, connectors string, args ...string) (*exec.Cmd, error) {
	w := b.world
	config := fmt.Sprintf("kafka: {brokers: [%q]}\naws: {region: us-east-1, endpoint: %q, path_style: true}\nmemory: %dMiB\n%sconnectors:\n%s",
		w.broker.Brokers, w.minio.S3.Endpoint, memory, more, connectors)
	if err := os.WriteFile(filepath.Join(dir, "connectors.yaml"), []byte(config), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(b.binary, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+w.minio.S3.AccessKey, "AWS_SECRET_ACCESS_KEY="+w.minio.S3.SecretKey, "TMPDIR="+dir)
	return cmd, nil
}

// runLoop has one of the bare loops read rows of a topic, or write them to another.
func (b *bench) runLoop(ctx context.Context, d data, how string, rows int) (o outcome, err error) {
	name, dir, err := b.world.place()
	if err != nil {
		return o, err
	}
	defer os.RemoveAll(dir)
	if err := b.world.create(ctx, name, d.partitions); err != nil {
		return o, err
	}
	o, err = b.world.measure(ctx, dir, exec.Command(b.loops, how, b.world.broker.Brokers, d.topic(), fmt.Sprint(d.partitions), fmt.Sprint(rows), name))
	o.Rows, o.Bytes = int64(rows), d.bytes()*int64(rows)/int64(d.rows)
	return o, err
}
