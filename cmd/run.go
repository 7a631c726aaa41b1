package cmd

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
	"github.com/spf13/cobra"
)

func runCommand(r *plugin.Registry) *cobra.Command {
	var drain, verbose bool
	c := &cobra.Command{
		Use:   "run [FILE]",
		Short: "Run the connectors as a service",
		Long: `Run the connectors of FILE (connectors.yaml) until SIGTERM: then what was taken in is flushed and committed, and the exit code is 0.
A second SIGTERM ends the process at once; nothing is lost by that either, the next start takes it up.

What cannot be reached, a broker or a bucket, is waited for: it is logged, and tried again until it can be. Only with --drain, which is
for jobs that end, no broker at the start is an error at once, with exit code 3; so is a source without a file.

The log is text on a terminal and JSON elsewhere. With --drain a terminal shows how far each connector is, and the log says so every ten
seconds elsewhere.`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signalled(c.Context())
			defer stop()
			load := func(opts ...plugin.DecodeOption) (*worker.File, error) { return readFile(r, fileOf(args), opts...) }
			s := &screen{out: c.ErrOrStderr()}
			if drain {
				s = newScreen(s.out)
			}
			defer s.close()
			return serve(ctx, load, drain, s, logger(s, slog.LevelInfo, verbose, r.Mask))
		},
	}
	c.Flags().BoolVar(&drain, "drain", false, "end when every finite source is read and every sink has flushed what its topics had then")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "log every flush, and what the Kafka client says")
	return c
}

// limitMemory has the garbage collector work harder as the heap comes near to three quarters of the file's memory, unless GOMEMLIMIT says
// otherwise. Rows take half at most; the last quarter is what the Kafka client, which is not Go, fetches ahead.
func limitMemory(f *worker.File) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(f.Memory) / 4 * 3)
	}
}

func serve(ctx context.Context, load worker.Load, drain bool, s *screen, log *slog.Logger) error {
	f, err := load()
	if err != nil {
		return err
	}
	w, err := worker.Start(load, log)
	if err != nil {
		return err
	}
	limitMemory(f)
	ctx, end := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer end(nil)
	if f.Listen != "" {
		wg.Go(func() {
			if err := w.Serve(ctx, f.Listen); err != nil {
				log.Error("nobody can ask how it goes", "error", err)
			}
		})
	}
	if !drain {
		wg.Go(func() {
			if err := reach(ctx, f); err != nil && ctx.Err() == nil {
				log.Warn("waits for Kafka", "error", err)
			}
		})
		return ended(w.Run(ctx))
	}
	if err := cmp.Or(f.Sources(ctx), reach(ctx, f)); err != nil {
		return coded{err, exitEnvironment}
	}
	defer s.follow(w, log, reportTime)()
	if err = w.Drain(ctx); err != nil && ctx.Err() != nil {
		return stopped(err)
	}
	return err
}
