package cmd

import (
	"fmt"
	"text/tabwriter"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
	"github.com/spf13/cobra"
)

func pluginsCommand(r *plugin.Registry) *cobra.Command {
	var output *choice
	c := &cobra.Command{
		Use:   "plugins",
		Short: "List the plugins",
		Args:  nothing,
		RunE: func(c *cobra.Command, _ []string) error {
			if output.is == "json" {
				return printJSON(c.OutOrStdout(), r.List())
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, p := range r.List() {
				fmt.Fprintf(w, "%s\t%s\n", p.Contract, p.Name)
			}
			return w.Flush()
		},
	}
	output = outputFlag(c, "table", "json")
	return c
}

func docsCommand(r *plugin.Registry) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "docs [NAME]",
		Short: "Print the options of a plugin, or of the file itself",
		Long: `Print, as a Markdown table, the options of the plugins and blocks called NAME; without one, those of the file itself; with --all,
everything that a file may hold, a table each.`,
		Args: atMost(1, "name one plugin at most"),
		RunE: func(c *cobra.Command, args []string) error {
			if all {
				return r.Reference(c.OutOrStdout(), worker.Defaults())
			}
			if len(args) == 0 {
				return r.Table(c.OutOrStdout(), worker.Defaults())
			}
			if err := r.Docs(c.OutOrStdout(), args[0]); err != nil {
				return coded{err, exitInput}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "everything that a file may hold")
	return c
}

func schemaCommand(r *plugin.Registry) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of the file, for editors",
		Args:  nothing,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := plugin.JSONSchema(r, worker.Defaults())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
			return err
		},
	}
}
