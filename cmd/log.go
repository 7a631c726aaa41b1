package cmd

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"
)

// logger writes text on a terminal and JSON elsewhere; what is verbose, everything. No secret gets past mask.
func logger(w io.Writer, least slog.Level, verbose bool, mask func(string) string) *slog.Logger {
	o := &slog.HandlerOptions{Level: least, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return readable(a, mask) }}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// readable writes durations as text, which JSON would have as nanoseconds, and text without secrets.
func readable(a slog.Attr, mask func(string) string) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindDuration:
		a.Value = slog.StringValue(a.Value.Duration().String())
	case slog.KindString, slog.KindAny:
		if text := a.Value.String(); mask(text) != text {
			a.Value = slog.StringValue(mask(text))
		}
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
