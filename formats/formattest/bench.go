package formattest

import (
	"syscall"
	"testing"
	"time"
)

// PerRow runs f, which handles n rows, as an operation of b, and reports rows a second and CPU time a row. The latter says more
// where the machine is shared.
func PerRow(b *testing.B, n int, f func() error) {
	b.ReportAllocs()
	before := cpu()
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	rows := float64(b.N) * float64(n)
	b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(cpu()-before)/rows, "cpu-ns/row")
}

// cpu is what the process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
