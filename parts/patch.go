package parts

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// patched gives the files of a tree that a unified diff changes, by name, as they are then.
func patched(tree fs.FS, diff string) (map[string]string, error) {
	files := map[string]string{}
	name := ""
	for _, section := range sections(diff) {
		header, body, _ := strings.Cut(section, "\n")
		if to, is := strings.CutPrefix(header, "+++ "); is {
			name = strings.TrimPrefix(strings.TrimSpace(to), "b/")
			continue
		}
		if files[name] == "" {
			text, err := fs.ReadFile(tree, name)
			if err != nil {
				return nil, err
			}
			files[name] = string(text)
		}
		before, after, err := hunk(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if files[name], err = replaced(files[name], before, after); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(files) == 0 {
		return nil, errors.New("it changes nothing")
	}
	return files, nil
}

// replaced is text with the one place changed where these lines stand.
func replaced(text, before, after string) (string, error) {
	text, before = "\n"+text, "\n"+before
	at := strings.Index(text, before)
	if at < 0 || strings.Contains(text[at+1:], before) {
		return "", fmt.Errorf("this does not stand once in it, but never or more often:%s", before)
	}
	return text[1:at+1] + after + text[at+len(before):], nil
}

// sections are the names of files and the hunks of a diff, each from its header on. What else there is stands before the first.
func sections(diff string) (all []string) {
	for line := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "@@ "):
			all = append(all, line)
		case len(all) > 0 && !strings.HasPrefix(line, "--- "):
			all[len(all)-1] += line
		}
	}
	return all
}

// hunk is the text that a hunk finds, and what it makes of it.
func hunk(body string) (before, after string, err error) {
	for line := range strings.Lines(body) {
		switch text := line[1:]; line[0] {
		case ' ':
			before, after = before+text, after+text
		case '-':
			before += text
		case '+':
			after += text
		default:
			return "", "", fmt.Errorf("%q is no line of a hunk", line)
		}
	}
	if before == "" || before == after {
		return "", "", errors.New("a hunk changes nothing that can be found")
	}
	return before, after, nil
}
