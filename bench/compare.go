package main

import (
	"context"
	"os"
	"os/exec"
)

// compared is any other program that empties the main topic into a bucket. What it has to know is in its environment; it must end by
// itself once all rows stand.
func compared(command string) kase {
	return kase{name: "compared: " + command, run: func(ctx context.Context, b *bench) (outcome, error) {
		w, d := b.world, b.main()
		return w.toBucket(ctx, d, 1, func(name, dir string) (outcome, error) {
			cmd := exec.Command("sh", "-c", "exec "+command)
			cmd.Env = append(os.Environ(), "BENCH_BROKERS="+w.broker.Brokers, "BENCH_TOPIC="+d.topic(), "BENCH_S3="+w.minio.S3.Endpoint, "BENCH_BUCKET="+name,
				"BENCH_DIR="+dir, "AWS_REGION="+w.minio.S3.Region, "AWS_ACCESS_KEY_ID="+w.minio.S3.AccessKey, "AWS_SECRET_ACCESS_KEY="+w.minio.S3.SecretKey)
			return w.measure(ctx, dir, cmd)
		})
	}}
}
