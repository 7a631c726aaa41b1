package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
	"github.com/spf13/cobra"
)

func previewCommand(r *plugin.Registry) *cobra.Command {
	var file string
	var output *choice
	c := &cobra.Command{
		Use:   "preview NAME",
		Short: "Show what a sink would write, from live records",
		Long: `Sample the topics that the connector NAME empties, and print the objects that a flush of the sample would make, the bad records in it,
and the columns, as a block to paste into the file. Nothing is written, and no group is joined.`,
		Args: oneConnector,
		RunE: func(c *cobra.Command, args []string) error {
			client, config, err := readSink(c.Context(), r, file, args[0], "a preview is of a sink")
			if err != nil {
				return err
			}
			all, err := connector.Previews(c.Context(), client, args[0], config)
			if err != nil {
				return coded{err, exitEnvironment}
			}
			for i := range all { // what a plugin says; the names and rows are the user's
				for _, said := range [][]string{all[i].Bad, all[i].Warnings} {
					for j := range said {
						said[j] = r.Mask(said[j])
					}
				}
			}
			return printPreviews(c.OutOrStdout(), all, output.is)
		},
	}
	c.Flags().StringVarP(&file, "file", "f", defaultFile, "the file of connectors")
	output = outputFlag(c, "table", "json")
	return c
}

// shownFiles is how many objects a table lists.
const shownFiles = 20

func printPreviews(w io.Writer, all []connector.Preview, output string) error {
	if output == "json" {
		return printJSON(w, all)
	}
	for _, p := range all {
		fmt.Fprintf(w, "%s: of %s a flush would make %s\n", p.Topic, count(int64(p.Sampled), "record"), count(int64(len(p.Files)), "file"))
		t := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
		for _, f := range p.Files[:min(len(p.Files), shownFiles)] {
			fmt.Fprintf(t, "  %d\trows\t  %s\n", f.Rows, f.Name)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if more := len(p.Files) - shownFiles; more > 0 {
			fmt.Fprintf(w, "  and %d more\n", more)
		}
		if p.BadRows > 0 {
			fmt.Fprintf(w, "%s cannot be written:\n  %s\n", count(int64(p.BadRows), "record"), strings.Join(p.Bad, "\n  "))
		}
		for _, why := range p.Warnings {
			fmt.Fprintf(w, "warning: %s\n", why)
		}
		printColumns(w, p.Columns)
	}
	return nil
}

// printColumns prints the block to paste. Columns that only a path needs have whatever type they turn out to have, and are left out.
func printColumns(w io.Writer, columns []record.Column) {
	head := false
	for _, c := range columns {
		if c.Type.Kind == record.Any {
			continue
		}
		if !head {
			fmt.Fprint(w, "\n    schema:\n      columns:\n")
			head = true
		}
		fmt.Fprintf(w, "        %s: %s\n", yamlKey(c.Name), c.Type)
	}
}

// yamlKey quotes a name where YAML could take it for something else.
func yamlKey(name string) string {
	plain := name != "" && !strings.ContainsAny(name[:1], "0123456789-+.~ ") && !strings.ContainsAny(name, ":#{}[],&*!|>'\"%@`\\\n\t") && !strings.HasSuffix(name, " ")
	for _, word := range []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"} {
		plain = plain && !strings.EqualFold(name, word)
	}
	if plain {
		return name
	}
	quoted, _ := json.Marshal(name)
	return string(quoted)
}
