package cmd

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/plugin"
	"github.com/spf13/cobra"
)

func offsetsCommand(r *plugin.Registry) *cobra.Command {
	var file string
	var output *choice
	c := &cobra.Command{
		Use:   "offsets NAME",
		Short: "Print what a sink's group remembers: a line a partition",
		Long: `Print, for each partition of the topics that the connector NAME empties: the committed offset, the end of an interval that was begun
and not finished (plan), the partition's end, how many offsets lie between (lag), and the first offset that hooks were not told of (owed).`,
		Args: oneConnector,
		RunE: func(c *cobra.Command, args []string) error {
			client, config, err := readSink(c.Context(), r, file, args[0], "offsets are those of a sink's group")
			if err != nil {
				return err
			}
			all, err := connector.Standings(c.Context(), client, args[0], config)
			if err != nil {
				return coded{err, exitEnvironment}
			}
			for i := range all {
				all[i].Problem = r.Mask(all[i].Problem)
			}
			return printStandings(c.OutOrStdout(), all, output.is)
		},
	}
	c.Flags().StringVarP(&file, "file", "f", defaultFile, "the file of connectors")
	output = outputFlag(c, "table", "json")
	return c
}

func printStandings(w io.Writer, all []connector.Standing, output string) error {
	if output == "json" {
		return printJSON(w, all)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TOPIC\tPARTITION\tCOMMITTED\tPLAN\tEND\tLAG\tOWED\t")
	for _, s := range all {
		owed := "-"
		if s.Owed != nil {
			owed = strconv.FormatInt(*s.Owed, 10)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%d\t%s\t%s\n", s.Topic, s.Partition, known(s.Committed, -1), known(s.Plan, 0), s.End, s.Lag, owed, s.Problem)
	}
	return t.Flush()
}

// known is a number, or a dash where it is the one that says that there is none.
func known(n, none int64) string {
	if n == none {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}
