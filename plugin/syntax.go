package plugin

import (
	"bytes"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

var parserWords = regexp.MustCompile(`^yaml: (?:line \d+: )?`)

// syntaxFlaw gives a parser's error its line. The line it names itself is where the construct around begins, if any: the one
// at fault is the first with which the text up to there fails in the same words.
func syntaxFlaw(content []byte, err error) *flaw {
	words := func(err error) string { return parserWords.ReplaceAllString(err.Error(), "") }
	lines := bytes.SplitAfter(content, []byte("\n"))
	ends := make([]int, len(lines))
	for i, n := 0, 0; i < len(lines); i++ {
		n += len(lines[i])
		ends[i] = n
	}
	at := sort.Search(len(lines)-1, func(i int) bool {
		_, e := documents(content[:ends[i]])
		return e != nil && words(e) == words(err)
	})
	return &flaw{at + 1, fmt.Errorf("is not YAML: %s; %s", words(err), remedy(string(lines[at]), words(err)))}
}

var unquoted = regexp.MustCompile("(?:^|[:-]) +([{\\[*&!%@`])(.*)")

// remedy says what is likely to be right in a line that is not YAML.
func remedy(line, words string) string {
	m := unquoted.FindStringSubmatch(line)
	switch {
	case strings.Contains(line[:len(line)-len(strings.TrimLeft(line, " \t"))], "\t"):
		return "indent with spaces, not with tabs"
	case strings.Contains(words, "',' or") && strings.Contains(line, "${"):
		return "quote a value with ${...} where it stands inside { } or [ ]"
	case strings.Contains(words, "anchor") || m != nil && !strings.Contains("{[", m[1]):
		return "quote text that begins with a sign such as *, &, !, % or @"
	case m != nil && strings.ContainsAny(m[2], "}]"):
		return fmt.Sprintf("quote text that begins with %s", m[1])
	case m != nil:
		return fmt.Sprintf("close the %s, or quote text that begins with it", m[1])
	case strings.Contains(words, "end of stream"):
		return "close the quotation mark"
	case strings.Contains(words, "mapping values"):
		return `mind the indentation, or quote text that holds ": "`
	}
	return "mind the indentation"
}
