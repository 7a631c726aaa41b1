package cmd

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
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
			f, config, err := readConnector(r, file, args[0])
			if err != nil {
				return err
			}
			if config.Sink == nil {
				return coded{fmt.Errorf("%s: it has a source; offsets are those of a sink's group", args[0]), exitInput}
			}
			if err := reach(c.Context(), f); err != nil {
				return coded{err, exitEnvironment}
			}
			all, err := connector.Standings(c.Context(), &kafka.Client{Config: f.Kafka}, args[0], config)
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

// readConnector reads a file and finds one of its connectors.
func readConnector(r *plugin.Registry, file, name string) (*worker.File, connector.Config, error) {
	f, err := readFile(r, file)
	if err != nil {
		return nil, connector.Config{}, err
	}
	var names []string
	for _, e := range f.Connectors {
		if e.Name == name {
			return f, e.Config, nil
		}
		names = append(names, e.Name)
	}
	return nil, connector.Config{}, coded{fmt.Errorf("%s: there is no connector %q; there are %s", file, name, strings.Join(names, ", ")), exitInput}
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
