package cmd

import (
	"cmp"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/penstock/penstock/kafka"
	"github.com/spf13/cobra"
)

// Version is the program's version. A main package sets it before Main; what is left empty is taken from the build's own record.
var Version string

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and librdkafka's version",
		Args:  nothing,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(c.OutOrStdout(), versions())
			return err
		},
	}
}

func versions() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	version, commit := cmp.Or(Version, info.Main.Version, "unknown"), "unknown"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return fmt.Sprintf("penstock %s\ncommit %s\nlibrdkafka %s\n", version, commit, kafka.LibraryVersion())
}
