package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
	"github.com/spf13/cobra"
)

func checkCommand(r *plugin.Registry) *cobra.Command {
	var connect bool
	var output *choice
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Find every mistake in the file",
		Long: `Read FILE (connectors.yaml), build everything it names without touching anything outside, and list every mistake with its line and
what would be right. The exit code is 2 if there is one. run and dev do the same before they begin. What is no mistake, but readers of
the files would stumble over, such as words that Athena reserves, is a warning, and so is memory that the connectors will not keep to.

With --connect a file without mistakes is held against the world: whether brokers answer and topics can be read, whether sources have
something to read and CSV files the columns that are named, whether each store takes objects and each crawler is there, and Athena's
workgroup and database if the file has an athena block. Each is a line; with what is wrong the exit code is 3. A sample of the records
that are to be written shows whether they would make too many paths, which is a warning. No topic, row or crawl is made: but an
object _penstock_check in a store, which is removed where that is allowed, and the folder of a local sink.`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signalled(c.Context())
			defer stop()
			f := findings{File: fileOf(args), Mistakes: []finding{}, Warnings: []finding{}, Asked: []answer{}}
			err := f.find(ctx, r, connect)
			if output.is == "json" {
				return errors.Join(printJSON(c.OutOrStdout(), f), err)
			}
			return errors.Join(f.print(c.OutOrStdout(), c.ErrOrStderr()), err)
		},
	}
	c.Flags().BoolVar(&connect, "connect", false, "ask brokers, sources, stores, crawlers and Athena too")
	output = outputFlag(c, "text", "json")
	return c
}

// findings is what there is to say of a file.
type findings struct {
	File       string    `json:"file"`
	Connectors int       `json:"connectors"`
	Mistakes   []finding `json:"mistakes"`
	Warnings   []finding `json:"warnings"`
	Asked      []answer  `json:"asked"` // of what is outside, by --connect
}

// finding is about one option; Line is 0 where it is about the whole file.
type finding struct {
	Line   int    `json:"line"`
	Option string `json:"option"`
	Text   string `json:"text"`
}

// answer is what came of asking for what one option names.
type answer struct {
	finding
	OK bool `json:"ok"`
}

// find looks for mistakes, and asks outside only where there are none. The error is of all that is wrong.
func (f *findings) find(ctx context.Context, r *plugin.Registry, connect bool) error {
	sheet := &plugin.Sheet{}
	file, err := readFile(r, f.File, plugin.On(sheet))
	var athena *athenaBlock
	if err == nil && sheet.Says("athena") {
		var block athenaBlock
		block, err = readAthena(r, f.File, true)
		athena = &block
	}
	if err != nil {
		f.Mistakes = found(err, r.Mask)
		return err
	}
	f.Connectors = len(file.Connectors)
	f.Warnings = found(sheet.Literals(), r.Mask)
	for _, e := range file.Connectors {
		for _, err := range e.Config.Advice() {
			f.Warnings = append(f.Warnings, found(sheet.Problems("connectors."+e.Name, err), r.Mask)...)
		}
	}
	if !connect {
		f.crowded(file, sheet, nil, r.Mask)
		return nil
	}
	all := outside(file, sheet)
	if athena != nil {
		all = append(all, athena.questions()...)
	}
	return f.ask(ctx, file, sheet, all, r.Mask)
}

// crowded warns of more sinks and partitions, of topics as they stand, than memory has room for.
func (f *findings) crowded(file *worker.File, sheet *plugin.Sheet, stand map[string]int, mask func(string) string) {
	if err := file.Crowded(stand); err != nil {
		f.Warnings = append(f.Warnings, found(sheet.Problems("memory", err), mask)...)
	}
}

// found is problems as findings; an error that is none is one of the whole file.
func found(err error, mask func(string) string) []finding {
	problems := plugin.Problems{}
	if !errors.As(err, &problems) {
		return []finding{{Text: mask(err.Error())}}
	}
	all := []finding{}
	for _, p := range problems {
		all = append(all, finding{p.Line, p.Option, mask(p.Err.Error())})
	}
	return all
}

// print says what is not said by the error.
func (f *findings) print(out, errOut io.Writer) error {
	for _, w := range f.Warnings {
		fmt.Fprintf(errOut, "%s:%d: %s: warning: %s\n", f.File, w.Line, w.Option, w.Text)
	}
	if len(f.Mistakes) > 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "%s: %s, no mistakes\n", f.File, count(int64(f.Connectors), "connector"))
	for _, a := range f.Asked {
		if a.OK && err == nil {
			_, err = fmt.Fprintf(out, "%s:%d: %s: ok: %s\n", f.File, a.Line, a.Option, a.Text)
		}
	}
	return err
}
