package cmd

import (
	"fmt"
	"strings"

	"github.com/penstock/penstock/plugin"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// rootCommand is penstock without a command: it prints what there is.
func rootCommand(r *plugin.Registry) *cobra.Command {
	root := &cobra.Command{
		Use:                        "penstock",
		Short:                      "Moves files into Kafka topics and topics into S3, exactly once",
		Version:                    versions(),
		Args:                       knownCommand,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors:              true,
		SilenceUsage:               true,
		DisableFlagsInUseLine:      true,
		SuggestionsMinimumDistance: 2,
	}
	root.SetVersionTemplate("{{.Version}}")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(runCommand(r), devCommand(r), checkCommand(r), previewCommand(r), offsetsCommand(r), verifyCommand(r), queryCommand(r), pluginsCommand(r), docsCommand(r), schemaCommand(r), versionCommand())
	return root
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err == nil {
				err = about.ValidateArgs(rest)
			}
			if err != nil {
				return coded{err, exitInput}
			}
			about.InitDefaultHelpFlag()
			about.InitDefaultVersionFlag()
			return about.Help()
		},
	}
}

// knownCommand refuses what is left for the root: the name of no command.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("unknown command %q; did you mean %q?", args[0], near[0])
	}
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("unknown command %q; there are %s", args[0], strings.Join(names, ", "))
}

// atMost refuses more arguments than a command takes.
func atMost(n int, remedy string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > n {
			return fmt.Errorf("%s: unexpected argument %q; %s", c.CommandPath(), args[n], remedy)
		}
		return nil
	}
}

func oneConnector(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s: name one connector", c.CommandPath())
	}
	return nil
}

var (
	oneFile = atMost(1, "name one file at most")
	nothing = atMost(0, "it takes none")
)

func flagError(c *cobra.Command, err error) error {
	there := "it takes none"
	var names []string
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			names = append(names, "--"+f.Name)
		}
	})
	if len(names) > 0 {
		there = "there are " + strings.Join(names, ", ")
	}
	return fmt.Errorf("%s: %w; %s", c.CommandPath(), err, there)
}
