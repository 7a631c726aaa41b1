package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// choice is a flag that is one of some words, the first if it is not said.
type choice struct {
	is    string
	words []string
}

func (c *choice) String() string { return c.is }
func (c *choice) Type() string   { return "string" }
func (c *choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		return fmt.Errorf("it is not one of %s", strings.Join(c.words, ", "))
	}
	c.is = text
	return nil
}

// outputFlag adds --output: how a command prints what it has found.
func outputFlag(c *cobra.Command, words ...string) *choice {
	o := &choice{is: words[0], words: words}
	last := len(words) - 1
	c.Flags().VarP(o, "output", "o", strings.Join(words[:last], ", ")+" or "+words[last])
	return o
}

// printJSON prints a value on lines of its own.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
