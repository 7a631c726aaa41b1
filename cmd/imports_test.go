package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors is the plan of the house: the floor of each room, and which of our rooms it may import. record and plugin, the ground, are
// open to all and stand in no row: that plugins may use plugin.Option and plugin.Size is a deliberate addition to the design.
// The rooms without a floor hold what tests share. Only tests import them, but for parts/run, which starts parts.
var floors = []room{
	{6, "cmd/penstock", "cmd"},

	{5, "cmd", "worker connector kafka sink dev aws source/csv sink/s3 sink/local formats/json formats/parquet hook/glue"},

	{4, "worker", "connector kafka"},
	{4, "sink/s3", "sink/files sink aws"},
	{4, "sink/local", "sink/files sink"},

	{3, "connector", "kafka source sink formats hook"},
	{3, "sink/files", "sink formats scratch"},
	{3, "source/csv", "source scratch"},
	{3, "formats/json", "formats"},
	{3, "formats/parquet", "formats"},
	{3, "hook/glue", "hook aws"},

	{2, "kafka", ""},
	{2, "source", ""},
	{2, "sink", ""},
	{2, "formats", ""},
	{2, "hook", "sink"},
	{2, "aws", ""},

	{1, "dev", ""},
	{1, "plugin", ""},
	{1, "record", ""},
	{1, "scratch", ""},

	{0, "source/sourcetest", "source parts"},
	{0, "sink/sinktest", "sink formats parts"},
	{0, "formats/formattest", "formats formats/json formats/parquet parts"},
	{0, "hook/hooktest", "hook sink parts"},
	{0, "parts", ""},
	{0, "parts/run", "parts"},
	{0, "e2e", "parts"},   // it looks at penstock from outside, and so do
	{0, "chaos", "parts"}, // these: a judge shares no code with what it judges
	{0, "bench", "parts"},
	{0, "bench/loops", ""},
}

type room struct {
	floor int
	name  string
	ours  string
}

// doors is which rooms may import which libraries from elsewhere; the longest row that fits counts. Tests may import any.
var doors = map[string]string{
	"C": "kafka bench/loops",
	"github.com/confluentinc/confluent-kafka-go/v2": "kafka bench/loops",
	"gopkg.in/yaml.v3":                            "plugin",
	"github.com/parquet-go/parquet-go":            "formats/parquet bench",
	"github.com/go-faster/jx":                     "formats/json",
	"github.com/klauspost/compress":               "formats/json formats/parquet source/csv bench",
	"github.com/aws/aws-sdk-go-v2":                "aws sink/s3 hook/glue cmd",
	"github.com/aws/aws-sdk-go-v2/service":        "",
	"github.com/aws/aws-sdk-go-v2/service/s3":     "sink/s3 bench",
	"github.com/aws/aws-sdk-go-v2/service/glue":   "hook/glue",
	"github.com/aws/aws-sdk-go-v2/service/athena": "cmd",
	"github.com/aws/aws-sdk-go-v2/service/sts":    "aws",
	"github.com/aws/aws-sdk-go-v2/config":         "aws",
	"github.com/aws/aws-sdk-go-v2/credentials":    "aws bench",
	"github.com/aws/smithy-go":                    "sink/s3 hook/glue cmd",
	"github.com/prometheus/client_golang":         "worker",
	"github.com/johannesboyne/gofakes3":           "dev",
	"github.com/twmb/franz-go":                    "dev bench",
	"github.com/pierrec/lz4/v4":                   "bench",
	"github.com/spf13/cobra":                      "cmd",
	"github.com/spf13/pflag":                      "cmd",
	"github.com/dustin/go-humanize":               "plugin cmd bench",
	"github.com/vbauerster/mpb/v8":                "cmd",
	"golang.org/x/sync":                           "connector sink/files sink/s3 bench bench/loops",
	"golang.org/x/sys":                            "cmd scratch sink/local source/csv",
	"golang.org/x/time":                           "source/csv",
	"gonum.org/v1/plot":                           "bench",
}

const (
	module = "github.com/penstock/penstock"
	ground = "record plugin"
	engine = "cmd cmd/penstock worker connector kafka" // the runtime
)

// listed is a package as go list has it.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImports(t *testing.T) {
	packages := ourPackages(t)
	if len(packages) < 20 {
		t.Fatalf("go list found %d packages only", len(packages))
	}
	for _, wrong := range trespasses(packages) {
		t.Error(wrong)
	}
}

func ourPackages(t *testing.T) (packages []listed) {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// The plan itself lets nobody import upwards, past the bar, or from a test's room.
func TestFloors(t *testing.T) {
	for _, r := range floors {
		for _, name := range strings.Fields(r.ours) {
			below, ok := roomOf(name)
			switch {
			case !ok:
				t.Errorf("%s may import %s, which has no row", r.name, name)
			case below.floor > r.floor && r.floor > 0:
				t.Errorf("%s, on floor %d, may import %s, on floor %d", r.name, r.floor, name, below.floor)
			case below.floor == 0 && r.floor > 0:
				t.Errorf("%s may import %s, which is for tests", r.name, name)
			case in(engine, name) && !in(engine, r.name):
				t.Errorf("%s may import %s, which is past the bar", r.name, name)
			}
		}
	}
}

func TestTrespasses(t *testing.T) {
	const ours = module + "/"
	for name, c := range map[string]struct {
		p    listed
		want string
	}{
		"downwards":             {listed{ImportPath: ours + "worker", Imports: []string{"context", ours + "connector", ours + "plugin"}}, ""},
		"upwards":               {listed{ImportPath: ours + "sink/s3", Imports: []string{ours + "worker"}}, "sink/s3 imports worker; floors in cmd/imports_test.go does not let it"},
		"sideways":              {listed{ImportPath: ours + "formats/json", Imports: []string{ours + "formats/parquet"}}, "formats/json imports formats/parquet; floors in cmd/imports_test.go does not let it"},
		"a test's room":         {listed{ImportPath: ours + "kafka", Imports: []string{ours + "parts"}}, "kafka imports parts; floors in cmd/imports_test.go does not let it"},
		"a new room":            {listed{ImportPath: ours + "util"}, "util has no row; add it to floors in cmd/imports_test.go, on the lowest floor that will do"},
		"past another's door":   {listed{ImportPath: ours + "worker", Imports: []string{"gopkg.in/yaml.v3"}}, "worker imports gopkg.in/yaml.v3, whose door is in plugin; see doors in cmd/imports_test.go"},
		"the longer row":        {listed{ImportPath: ours + "aws", Imports: []string{"github.com/aws/aws-sdk-go-v2/service/s3/types"}}, "aws imports github.com/aws/aws-sdk-go-v2/service/s3/types, whose door is in sink/s3 bench; see doors in cmd/imports_test.go"},
		"a new library":         {listed{ImportPath: ours + "record", Imports: []string{"example.com/clever"}}, "record imports example.com/clever, which has no door; add it to doors in cmd/imports_test.go, in one room if it can be"},
		"a test, to a peer":     {listed{ImportPath: ours + "sink/files", XTestImports: []string{ours + "sink/local", ours + "sink/files", "example.com/clever"}}, ""},
		"a test, to the engine": {listed{ImportPath: ours + "sink/files", TestImports: []string{ours + "worker"}}, "a test of sink/files imports worker; floors in cmd/imports_test.go does not let it"},
		"a judge":               {listed{ImportPath: ours + "chaos", TestImports: []string{ours + "parts", ours + "formats/json"}}, "a test of chaos imports formats/json; floors in cmd/imports_test.go does not let it"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(trespasses([]listed{c.p}), "\n"); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// trespasses are the imports that neither floors nor doors allow.
func trespasses(packages []listed) (wrong []string) {
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		r, ok := roomOf(name)
		if !ok {
			wrong = append(wrong, name+" has no row; add it to floors in cmd/imports_test.go, on the lowest floor that will do")
			continue
		}
		for _, imported := range p.Imports {
			wrong = append(wrong, r.trespass(imported)...)
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if to, ours := strings.CutPrefix(imported, module+"/"); ours && !r.tests(to) {
				wrong = append(wrong, fmt.Sprintf("a test of %s imports %s; floors in cmd/imports_test.go does not let it", name, to))
			}
		}
	}
	return wrong
}

func (r room) trespass(imported string) []string {
	if to, ours := strings.CutPrefix(imported, module+"/"); ours {
		if !r.may(to) {
			return []string{fmt.Sprintf("%s imports %s; floors in cmd/imports_test.go does not let it", r.name, to)}
		}
		return nil
	}
	if first, _, _ := strings.Cut(imported, "/"); imported != "C" && !strings.Contains(first, ".") {
		return nil // the standard library
	}
	switch rooms := door(imported); {
	case rooms == "":
		return []string{fmt.Sprintf("%s imports %s, which has no door; add it to doors in cmd/imports_test.go, in one room if it can be", r.name, imported)}
	case !in(rooms, r.name):
		return []string{fmt.Sprintf("%s imports %s, whose door is in %s; see doors in cmd/imports_test.go", r.name, imported, rooms)}
	}
	return nil
}

// may says what a room may import.
func (r room) may(to string) bool { return in(ground, to) || in(r.ours, to) }

// tests says what a room's tests may import: any room, but for the parts of the runtime that the room itself may not; those of a
// room without a floor, only what the room may.
func (r room) tests(to string) bool {
	return r.may(to) || to == r.name || r.floor > 0 && !in(engine, to)
}

// door is the rooms of the longest row that fits.
func door(imported string) (rooms string) {
	longest := ""
	for library, r := range doors {
		if (imported == library || strings.HasPrefix(imported, library+"/")) && len(library) > len(longest) {
			longest, rooms = library, r
		}
	}
	return rooms
}

func roomOf(name string) (room, bool) {
	i := slices.IndexFunc(floors, func(r room) bool { return r.name == name })
	if i < 0 {
		return room{}, false
	}
	return floors[i], true
}

func in(list, name string) bool { return slices.Contains(strings.Fields(list), name) }
