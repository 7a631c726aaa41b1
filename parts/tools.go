package parts

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
)

// A tool is a program that must be on the machine before parts can be installed.
type tool struct {
	name   string
	advice string
	check  []string // a command that succeeds where the tool is good enough
}

var (
	java   = tool{"Java 17 or newer", "openjdk-17-jre-headless", []string{"sh", "-c", `v=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p') && test "$v" -ge 17`}}
	maven  = tool{"Maven", "maven", []string{"sh", "-c", "command -v mvn"}}
	python = tool{"Python 3.11 or newer with venv", "python3-venv", []string{"python3", "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"}}
)

// missing names, in one line, every tool that the steps need and the machine lacks.
func missing(ctx context.Context, due []step) error {
	var names, packages []string
	for _, s := range due {
		for _, t := range s.needs {
			if slices.Contains(names, t.name) || exec.CommandContext(ctx, t.check[0], t.check[1:]...).Run() == nil {
				continue
			}
			names, packages = append(names, t.name), append(packages, t.advice)
		}
	}
	if ctx.Err() != nil || names == nil {
		return ctx.Err()
	}
	return errors.New("not found: " + strings.Join(names, ", ") +
		"; install it first (Debian: apt-get install " + strings.Join(packages, " ") + ")")
}
