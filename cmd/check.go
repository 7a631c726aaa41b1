package cmd

import (
	"fmt"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
	"github.com/spf13/cobra"
)

func checkCommand(r *plugin.Registry) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Find every mistake in the file",
		Long:  "Read FILE (connectors.yaml), build everything it names without touching anything outside, and list every mistake with its line. The exit code is 2 if there is one.",
		Args:  atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			name := fileOf(args)
			text, err := readText(name)
			if err != nil {
				return err
			}
			f, err := worker.Read(r, name, text)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %d connectors, no mistakes\n", name, len(f.Connectors))
			return err
		},
	}
}
