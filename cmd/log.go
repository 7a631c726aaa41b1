package cmd

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"
)

// logger writes text on a terminal and JSON elsewhere; what is verbose, everything.
func logger(w io.Writer, least slog.Level, verbose bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: least, ReplaceAttr: readable}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// readable writes durations as text: JSON would have them as nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// isTerminal tells a terminal from files, pipes and other devices, such as /dev/null.
func isTerminal(w io.Writer) bool {
	if s, ok := w.(*screen); ok {
		w = s.out
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
