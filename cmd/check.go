package cmd

import (
	"fmt"

	"github.com/penstock/penstock/plugin"
	"github.com/spf13/cobra"
)

func checkCommand(r *plugin.Registry) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Find every mistake in the file",
		Long: `Read FILE (connectors.yaml), build everything it names without touching anything outside, and list every mistake with its line and
what would be right. The exit code is 2 if there is one. run and dev do the same before they begin.`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			name := fileOf(args)
			f, err := readFile(r, name)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s, no mistakes\n", name, count(int64(len(f.Connectors)), "connector"))
			return err
		},
	}
}
