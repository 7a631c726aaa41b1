package cmd

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/penstock/penstock/connector"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
	"github.com/spf13/cobra"
)

func verifyCommand(r *plugin.Registry) *cobra.Command {
	var file string
	var output *choice
	var scope connector.Scope
	c := &cobra.Command{
		Use:   "verify NAME",
		Short: "Prove that what a sink has made is whole",
		Long: `Compare the objects of the connector NAME, by their metadata, with what its group has committed and its topics hold, and list what is
missing, stands twice, is damaged, or does not belong there. Nothing is written, and no group is joined; workers may go on meanwhile.
With --rows each object is read, and compared with the rows that the topic still holds. The exit code is 0 only where all is whole.`,
		Args: oneConnector,
		RunE: func(c *cobra.Command, args []string) error {
			client, config, err := readSink(c.Context(), r, file, args[0], "what is verified is what a sink has made")
			if err != nil {
				return err
			}
			load := worker.Load(func(opts ...plugin.DecodeOption) (*worker.File, error) { return readFile(r, file, opts...) })
			run := &connector.Run{Name: args[0], Config: config, Client: client, Build: load.Rebuild(args[0])}
			v, err := run.Verify(c.Context(), scope)
			if errors.Is(err, connector.ErrNoKeeper) {
				return coded{fmt.Errorf("%s: %w", args[0], err), exitInput}
			}
			if err != nil {
				return coded{err, exitEnvironment}
			}
			if err := printVerification(c.OutOrStdout(), v, output.is); err != nil || v.Whole {
				return err
			}
			return fmt.Errorf("%s is not whole: %s", args[0], count(int64(len(v.Findings)), "finding"))
		},
	}
	c.Flags().StringVarP(&file, "file", "f", defaultFile, "the file of connectors")
	c.Flags().Var((*bound)(&scope.From), "from", "verify from this offset of each partition on, or from the first record of a time as in 2026-01-31T00:00:00Z")
	c.Flags().Var((*bound)(&scope.To), "to", "verify what comes before this offset, or before the first record of a time")
	c.Flags().BoolVar(&scope.Rows, "rows", false, "read the objects' rows, and the topics'")
	output = outputFlag(c, "table", "json")
	return c
}

// bound is a flag that is an offset or a time.
type bound connector.Bound

func (b *bound) Type() string { return "offset|time" }

func (b *bound) String() string {
	switch {
	case !b.Given:
		return ""
	case !b.Time.IsZero():
		return b.Time.Format(time.RFC3339)
	}
	return strconv.FormatInt(b.Offset, 10)
}

func (b *bound) Set(text string) error {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		*b = bound{Given: true, Offset: n}
		return nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return errors.New("it is neither an offset nor a time as in 2026-01-31T00:00:00Z")
	}
	*b = bound{Given: true, Time: t}
	return nil
}

// shownFindings is how many a table lists.
const shownFindings = 100

func printVerification(w io.Writer, v *connector.Verification, output string) error {
	if output == "json" {
		return printJSON(w, v)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TOPIC\tPARTITION\tFROM\tTO\tINTERVALS\tFILES\tROWS\tVERDICT")
	for _, p := range v.Partitions {
		verdict := "whole"
		if p.Findings > 0 {
			verdict = count(int64(p.Findings), "finding")
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", p.Topic, p.Partition, p.From, p.To, p.Intervals, p.Files, p.Rows, verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range v.Findings[:min(len(v.Findings), shownFindings)] {
		fmt.Fprintf(w, "\n%s: %s/%d, offsets %d to %d", f.Kind, f.Topic, f.Partition, f.From, f.To)
		if f.Object != "" {
			fmt.Fprintf(w, ": %s", f.Object)
		}
		fmt.Fprintf(w, "\n  %s\n  to do: %s\n", f.Text, f.Remedy)
	}
	if more := len(v.Findings) - shownFindings; more > 0 {
		fmt.Fprintf(w, "\nand %d more; --output json lists them all\n", more)
	}
	return nil
}
