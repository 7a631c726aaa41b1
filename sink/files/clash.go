package files

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
)

// folder is one folder key=value of a template: a column, to Hive and Athena.
type folder struct {
	key  string
	verb byte // the finest directive of a date in its value; 0 where there is none
}

// segments are the parts of each folder.
func (t Template) segments() (all [][]part) {
	var at []part
	for _, p := range t.parts {
		if p.kind == slash {
			all, at = append(all, at), nil
		} else {
			at = append(at, p)
		}
	}
	return append(all, at)
}

// folders are the folders key=value.
func (t Template) folders() (all []folder) {
	for _, s := range t.segments() {
		if key, _, ok := strings.Cut(begins(s), "="); ok && key != "" {
			all = append(all, folder{key, finest(s)})
		}
	}
	return all
}

// begins is the text that a folder's name begins with.
func begins(s []part) string {
	switch {
	case len(s) == 0:
		return ""
	case s[0].kind == literal:
		return s[0].text
	case len(s[0].stamp) > 0:
		return s[0].stamp[0].text
	}
	return ""
}

func finest(s []part) (verb byte) {
	at := -1
	for _, p := range s {
		for _, d := range p.stamp {
			if d.verb != 0 && strings.IndexByte(verbs, d.verb) > at {
				verb, at = d.verb, strings.IndexByte(verbs, d.verb)
			}
		}
	}
	return verb
}

// spans is what a folder is called by its finest directive.
var spans = map[byte]string{'Y': "year", 'y': "year", 'm': "month", 'd': "day", 'j': "day", 'G': "year", 'V': "week", 'H': "hour", 'M': "minute", 'S': "second"}

// clashes refuses folders that have the name of another, or of a column that stays in the files since the folder says less than it:
// Athena takes no table of either.
func (t Template) clashes(s *record.Schema, p *plan) error {
	var errs []error
	taken := t.taken(s, p)
	for i, f := range t.folders() {
		if slices.ContainsFunc(t.folders()[:i], func(other folder) bool { return strings.EqualFold(other.key, f.key) }) {
			errs = append(errs, fmt.Errorf("the folder %s= stands twice, and is two columns of one name to Athena; %s", f.key, t.instead(f, taken)))
			continue
		}
		if column, is := taken[strings.ToLower(f.key)]; is {
			errs = append(errs, fmt.Errorf("the folder %s= and the column %q of the files are two columns of one name to Athena, letter case ignored; %s", f.key, column, t.instead(f, taken)))
		}
	}
	return plugin.Option("path", errors.Join(errs...))
}

// taken is the columns of files by their names in lower case. Of values that pass through, those are known that the path is made from.
func (t Template) taken(s *record.Schema, p *plan) map[string]string {
	taken := map[string]string{}
	for _, c := range p.file.Columns {
		taken[strings.ToLower(c.As)] = c.Name
	}
	if s == nil {
		return taken
	}
	for _, c := range s.Columns {
		// A column that is not known yet will be one of the files as soon as it is seen, unless new ones are not wanted.
		waits := !p.raw && c.Type.Kind == record.Any && s.Open && !slices.Contains(s.Cut, c.Name) && !strings.Contains(c.Name, ".")
		switch {
		case slices.Contains(p.file.Cut, c.Name):
		case p.raw && !c.Nested:
			taken[strings.ToLower(c.Name)] = c.Name
		case waits:
			taken[strings.ToLower(c.As)] = c.Name
		}
	}
	return taken
}

// instead proposes another name for a folder.
func (t Template) instead(f folder, taken map[string]string) string {
	name := spans[f.verb]
	_, is := taken[name]
	if name == "" || is || slices.ContainsFunc(t.folders(), func(other folder) bool { return strings.EqualFold(other.key, name) }) {
		return "give the folder another name"
	}
	return fmt.Sprintf("call the folder %s=", name)
}
