package cmd

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What go.mod requires is what the table of ARCHITECTURE.md names, each with its reason, and all of it is used: by code where the table
// has a room as its door, and by tests alone where it says tests.
func TestLibraries(t *testing.T) {
	required, named := requirements(t), libraries(t)
	code, tests := imported(t)
	row := func(module string) string { return covering(named, module) }
	for _, module := range required {
		name := row(module)
		switch byCode, byTests := uses(required, code, module), uses(required, tests, module); {
		case name == "":
			t.Errorf("go.mod requires %s, of which ARCHITECTURE.md says nothing; add it to the table of dependencies, with its reason", module)
		case !byCode && !byTests:
			t.Errorf("go.mod requires %s, and nothing imports it", module)
		case byCode == (named[name] == "tests"):
			t.Errorf("%s is imported by code: %v; the table of dependencies says %s", module, byCode, named[name])
		}
	}
	for name := range named {
		if !slices.ContainsFunc(required, func(module string) bool { return row(module) == name }) {
			t.Errorf("the table of dependencies names %s, which go.mod does not require", name)
		}
	}
}

// requirements are the modules that go.mod requires directly, without github.com/.
func requirements(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^(?:require)?\s+([a-z0-9.]+/\S+) v\S+$`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, strings.TrimPrefix(m[1], "github.com/"))
	}
	if len(all) < 20 {
		t.Fatalf("go.mod requires %q only", all)
	}
	return all
}

// libraries are the names in the table of dependencies, with their doors.
func libraries(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Dependencies\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]*/[^|]*) \| ([^|]+) \| ([^|]+) \|$`).FindAllStringSubmatch(section, -1) {
		for name := range strings.SplitSeq(m[1], ", ") {
			if named[name] != "" {
				t.Errorf("the table of dependencies names %s twice", name)
			}
			named[name] = m[2]
		}
	}
	return named
}

// covering is the longest name that is, or stands above, a module.
func covering(named map[string]string, module string) (longest string) {
	for name := range named {
		if (module == name || strings.HasPrefix(module, name+"/")) && len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}

// imported is what our packages import, without github.com/, and what their tests do.
func imported(t *testing.T) (code, tests []string) {
	t.Helper()
	for _, p := range ourPackages(t) {
		code, tests = append(code, p.Imports...), append(append(tests, p.TestImports...), p.XTestImports...)
	}
	for _, all := range [][]string{code, tests} {
		for i := range all {
			all[i] = strings.TrimPrefix(all[i], "github.com/")
		}
	}
	return code, tests
}

// uses tells whether a module is the longest of those required that one of the imports stands in.
func uses(required, imports []string, module string) bool {
	modules := map[string]string{}
	for _, m := range required {
		modules[m] = m
	}
	return slices.ContainsFunc(imports, func(path string) bool { return covering(modules, path) == module })
}
