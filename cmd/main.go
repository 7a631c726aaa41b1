package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

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

// run is Main without the end of the process.
func run(r *plugin.Registry, args []string, out, errOut io.Writer) int {
	understood := false // the command line as such
	root := rootCommand(r)
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return 0
	}
	fmt.Fprintln(errOut, r.Mask(err.Error()))
	var c coded
	switch {
	case errors.As(err, &c):
		return c.code
	case !understood, errors.As(err, &plugin.Problems{}):
		return exitInput
	}
	return exitFailed
}
