package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
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
		Long: `Run the connectors of FILE (connectors.yaml) as it stands, but on parts inside this process: nothing has to be installed, and
nothing outside is touched. What they hold stays in .penstock, S3 objects as plain files in .penstock/s3. It ends when everything
is read and flushed, and prints what was written. The next run goes on from there.`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			d.r, d.file, d.out, d.errOut = r, fileOf(args), c.OutOrStdout(), c.ErrOrStderr()
			ctx, stop := signalled(c.Context())
			defer stop()
			return d.run(ctx)
		},
	}
	c.Flags().BoolVar(&d.keep, "keep", false, "stay up after everything is written, until interrupted")
	c.Flags().BoolVar(&d.fresh, "fresh", false, "forget what earlier runs wrote")
	c.Flags().BoolVarP(&d.verbose, "verbose", "v", false, "log every flush, and what the Kafka client says")
	return c
}

type devRun struct {
	r                    *plugin.Registry
	file                 string
	keep, fresh, verbose bool
	out, errOut          io.Writer
}

func (d *devRun) run(ctx context.Context) (err error) {
	text, err := readText(d.file)
	if err != nil {
		return err
	}
	if _, err := worker.Read(d.r, d.file, text); err != nil {
		return err
	}
	if d.fresh {
		if err := dev.Forget(devFolder); err != nil {
			return coded{err, exitEnvironment}
		}
	}
	parts, err := dev.Start(ctx, devFolder)
	if err != nil {
		return coded{err, exitEnvironment}
	}
	defer parts.Close()
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "dev", "AWS_SECRET_ACCESS_KEY": "dev", "AWS_SESSION_TOKEN": ""} {
		os.Setenv(k, v)
	}
	embedded := plugin.Fixed(aws.Config{Region: "us-east-1", Endpoint: parts.AWS, PathStyle: true})
	w, err := worker.Start(func() (*worker.File, error) {
		f, err := worker.Read(d.r, d.file, text, embedded)
		if err == nil {
			f.Kafka = kafka.Config{Brokers: []string{parts.Brokers}, OffsetsTopic: f.Kafka.OffsetsTopic}
		}
		return f, err
	}, logger(d.errOut, d.verbose))
	if err != nil {
		return err
	}
	sum := newSummary(w, filepath.Join(devFolder, "s3"))
	began := time.Now()
	if err := w.Drain(ctx); err != nil {
		return err
	}
	if err := sum.print(d.out, time.Since(began)); err != nil || !d.keep {
		return err
	}
	fmt.Fprintf(d.out, "\nStill up, until interrupted: Kafka at %s, S3 and Glue at %s\n", parts.Brokers, parts.AWS)
	return w.Run(ctx)
}
