package cmd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/dev"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
	"github.com/spf13/cobra"
)

// devFolder is where the embedded parts keep what they hold, below the working folder.
const devFolder = ".penstock"

func devCommand(r *plugin.Registry) *cobra.Command {
	var d devRun
	c := &cobra.Command{
		Use:   "dev [FILE]",
		Short: "Run the connectors on an embedded Kafka, S3 and Glue",
		Long: `Run the connectors of FILE (connectors.yaml) as it stands, but on parts inside this process: nothing has to be installed, and no
broker or AWS account is touched, whatever the file and the environment say of them. What the parts hold stays in .penstock, S3
objects as plain files in .penstock/s3. It ends when everything is read and flushed, and prints what was written. The next run goes
on from there. A connector that fails three times for one reason ends it too.`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			d.r, d.file, d.out, d.errOut = r, fileOf(args), c.OutOrStdout(), c.ErrOrStderr()
			ctx, stop := signalled(c.Context())
			defer stop()
			return d.run(ctx)
		},
	}
	d.output = outputFlag(c, "table", "json")
	c.Flags().BoolVar(&d.keep, "keep", false, "stay up after everything is written, until interrupted")
	c.Flags().BoolVar(&d.fresh, "fresh", false, "forget what earlier runs wrote")
	c.Flags().BoolVarP(&d.verbose, "verbose", "v", false, "log every change of state and flush, and what the Kafka client says")
	return c
}

type devRun struct {
	r                    *plugin.Registry
	file                 string
	keep, fresh, verbose bool
	output               *choice
	out, errOut          io.Writer
}

func (d *devRun) run(ctx context.Context) error {
	f, err := readFile(d.r, d.file)
	if err != nil {
		return err
	}
	endless := f.Ends()
	if endless != nil && !d.keep {
		return endless
	}
	parts, err := d.start(ctx)
	if err != nil {
		return coded{err, exitEnvironment}
	}
	defer parts.Close()
	s := newScreen(d.errOut)
	defer s.close()
	w, err := worker.Start(d.loader(parts), logger(s, slog.LevelWarn, d.verbose, d.r.Mask))
	if err != nil {
		return err
	}
	sum := newSummary(w, filepath.Join(devFolder, "s3"))
	began := time.Now()
	if endless == nil {
		stop := s.follow(w, logger(s, slog.LevelInfo, d.verbose, d.r.Mask), reportTime)
		err := drain(ctx, w)
		if stop(); err != nil {
			return err
		}
		if err := sum.print(d.out, d.output.is, time.Since(began)); err != nil || !d.keep {
			return err
		}
	}
	said := d.out
	if d.output.is == "json" { // which stands alone
		said = d.errOut
	}
	fmt.Fprintf(said, "\nStill up, until interrupted: Kafka at %s, S3 and Glue at %s\n", parts.Brokers, parts.AWS)
	if err := ended(w.Run(ctx)); err != nil || endless == nil {
		return err
	}
	return sum.print(d.out, d.output.is, time.Since(began))
}

func (d *devRun) start(ctx context.Context) (*dev.Servers, error) {
	if d.fresh {
		if err := dev.Forget(devFolder); err != nil {
			return nil, err
		}
	}
	return dev.Start(ctx, devFolder)
}

// loader reads the file with the embedded parts in place of those it names.
func (d *devRun) loader(parts *dev.Servers) worker.Load {
	env := plugin.Env(isolate())
	embedded := plugin.Fixed(aws.Config{Region: "us-east-1", Endpoint: parts.AWS, PathStyle: true})
	return func(opts ...plugin.DecodeOption) (*worker.File, error) {
		f, err := readFile(d.r, d.file, append(opts, env, embedded)...)
		if err == nil {
			f.Kafka = kafka.Config{Brokers: []string{parts.Brokers}, OffsetsTopic: f.Kafka.OffsetsTopic, StateTopic: f.Kafka.StateTopic}
		}
		return f, err
	}
}

// drain ends early when a connector fails again and again: what is embedded does not come back by waiting.
func drain(ctx context.Context, w *worker.Worker) error {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch(running, w, cancel)
	}()
	err := w.Drain(running)
	hopeless := context.Cause(running)
	cancel(nil)
	<-watched
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return stopped(err)
	case hopeless != nil:
		return hopeless
	}
	return err
}
