package cmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/iam.md names every call that the code makes, and its policies are JSON that allows what the tables beside them list.
func TestRights(t *testing.T) {
	text, err := os.ReadFile("../docs/iam.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range []string{"../sink/s3/*.go", "../hook/glue/*.go", "athena.go", "athena_check.go"} {
		for _, call := range calls(t, files) {
			if !strings.Contains(string(text), "`"+call+"`") {
				t.Errorf("%s calls %s, of which docs/iam.md says nothing", files, call)
			}
		}
	}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		name, _, _ := strings.Cut(section, "\n")
		allowed := policies(t, section)
		for _, row := range regexp.MustCompile("(?m)^\\| `.*").FindAllString(section, -1) {
			for _, action := range regexp.MustCompile("`([a-z0-9]+:[A-Za-z]+)`").FindAllStringSubmatch(row, -1) {
				if !allowed[action[1]] {
					t.Errorf("%s: no policy allows %s", name, action[1])
				}
			}
		}
	}
}

// calls are the operations that the files ask AWS for.
func calls(t *testing.T, pattern string) (all []string) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatal(pattern, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`client\.([A-Z]\w+)\(ctx|\.New([A-Z]\w+)Paginator\(`).FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1]+m[2])
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s: no calls found", pattern)
	}
	return all
}

// policies are the actions that a section's policies allow.
func policies(t *testing.T, section string) map[string]bool {
	t.Helper()
	allowed := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(section, -1) {
		var policy struct {
			Version   string
			Statement []struct {
				Sid, Effect      string
				Action, Resource any
				Condition        map[string]any
			}
		}
		d := json.NewDecoder(strings.NewReader(block[1]))
		d.DisallowUnknownFields()
		if err := d.Decode(&policy); err != nil {
			t.Fatal(err)
		}
		for _, s := range policy.Statement {
			if s.Effect != "Allow" || s.Resource == nil || s.Resource == "*" {
				t.Errorf("%s: %+v", s.Sid, s)
			}
			switch a := s.Action.(type) {
			case string:
				allowed[a] = true
			case []any:
				for _, one := range a {
					allowed[one.(string)] = true
				}
			}
		}
	}
	return allowed
}
