package cmd

import (
	"errors"

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
A second SIGTERM ends the process at once; nothing is lost by that either, the next start takes it up.`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			name := fileOf(args)
			ctx, stop := signalled(c.Context())
			defer stop()
			w, err := worker.Start(func() (*worker.File, error) {
				text, err := readText(name)
				if err != nil {
					return nil, err
				}
				return worker.Read(r, name, text)
			}, logger(c.ErrOrStderr(), verbose))
			if err != nil {
				return err
			}
			if drain {
				return w.Drain(ctx)
			}
			return w.Run(ctx)
		},
	}
	c.Flags().BoolVar(&drain, "drain", false, "end when every finite source is read and every sink has flushed what its topics had then")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "log every flush, and what the Kafka client says")
	return c
}

func atMostOneFile(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return coded{errors.New("name one file at most"), exitInput}
	}
	return nil
}
