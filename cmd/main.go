package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/penstock/penstock/plugin"
	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitFailed      = 1 // a run-time failure
	exitInput       = 2 // the user's input
	exitEnvironment = 3 // what is around: broker, bucket, folder
)

// Main runs the command line with the plugins of r, and exits.
func Main(r *plugin.Registry) { os.Exit(run(r, os.Args[1:], os.Stdout, os.Stderr)) }

// coded is an error with the exit code that it asks for.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

func run(r *plugin.Registry, args []string, out, errOut io.Writer) int {
	root := &cobra.Command{
		Use:           "penstock",
		Short:         "Moves files into Kafka topics and topics into S3, exactly once",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return coded{err, exitInput} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(runCommand(r), devCommand(r), checkCommand(r), pluginsCommand(r), docsCommand(r), schemaCommand(r), versionCommand())
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(errOut, err)
	var c coded
	switch {
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &plugin.Problems{}):
		return exitInput
	}
	return exitFailed
}

// signalled ends the context at the first SIGTERM or interrupt, and the process at the second.
func signalled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
			return
		}
		<-signals
		os.Exit(exitFailed)
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}

// defaultFile is what commands read when no file is named.
const defaultFile = "connectors.yaml"

func fileOf(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return defaultFile
}

// readText reads a file that the user named.
func readText(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, coded{fmt.Errorf("%w; name the file of connectors, or run this where connectors.yaml is", err), exitInput}
	}
	return text, nil
}

// logger writes text on a terminal and JSON elsewhere.
func logger(w io.Writer, verbose bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if f, ok := w.(*os.File); ok && isTerminal(f) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
