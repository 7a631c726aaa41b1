package cmd

import (
	"fmt"
	"runtime/debug"

	"github.com/penstock/penstock/kafka"
	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and librdkafka's version",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			version, commit := "unknown", "unknown"
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						commit = s.Value
					}
				}
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "penstock %s\ncommit %s\nlibrdkafka %s\n", version, commit, kafka.LibraryVersion())
			return err
		},
	}
}
