package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/parts"
)

// scene is what storm.py reads, of six rows from two CSV files and four others, of which 37 is bad.
type scene struct {
	topics  []string            // lines
	letters []string            // lines
	files   map[string]string   // what each says of itself
	objects map[string][]string // rows
}

func newScene() *scene {
	s := &scene{files: map[string]string{}, objects: map[string][]string{}}
	put := func(sink, path string, part, from, until int, ids ...int) {
		name := sink + "/" + path
		for _, id := range ids {
			s.objects[name] = append(s.objects[name], string(grain(id)))
		}
		s.files[name] = fmt.Sprintf(`{"sink":%q,"file":%q,"part":%d,"first":%d,"from":%d,"until":%d,"rows":%d}`, sink, name, part, from, from, until, len(ids))
	}
	for i, id := range []int{0, 3, 1, 4, 2, 5} { // two files of three rows each, by turns
		s.topics = append(s.topics, fmt.Sprintf(`{"topic":"-csv","part":0,"off":%d,"id":%d}`, i, id))
	}
	put("replayed", "g0/a.json", 0, 0, 2, 0, 3)
	put("replayed", "g1/b.json", 0, 2, 4, 1, 4)
	put("replayed", "g2/c.json", 0, 4, 6, 2, 5)
	for id := range 38 {
		s.topics = append(s.topics, fmt.Sprintf(`{"topic":"-mix","part":1,"off":%d,"id":%d}`, 10+id, id))
	}
	for g := range 3 {
		var ids []int
		for id := g; id < 37; id += 3 {
			ids = append(ids, id)
		}
		put("lines", fmt.Sprintf("g%d/d.json", g), 1, 10, 48, ids...)
	}
	for g, first := range []string{"10", "11", "12"} {
		name := fmt.Sprintf("lines/g%d/d.json", g)
		s.files[name] = strings.Replace(s.files[name], `"first":10`, `"first":`+first, 1)
	}
	s.letters = []string{`{"sink":"lines","part":1,"off":47,"id":37,"whole":true}`}
	return s
}

// judged is what storm.py says of a scene.
func (s *scene) judged(t *testing.T) (v verdict) {
	t.Helper()
	dir := t.TempDir()
	spec, err := json.Marshal(map[string]any{"given": map[string]int{csvTopic: 6, mixTopic: 38}, "split": 3, "sinks": theSinks(false, false, false)[:2]})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"spec.json": string(spec), "topics.jsonl": strings.Join(s.topics, "\n"), "letters.jsonl": strings.Join(s.letters, "\n"),
		"files.jsonl": strings.Join(slices.Collect(maps.Values(s.files)), "\n")}
	for name, rows := range s.objects {
		texts["files/"+name] = strings.Join(rows, "\n")
	}
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(parts.Python(t), "storm.py", dir).CombinedOutput()
	if err == nil {
		err = json.Unmarshal(out, &v)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return v
}

// TestStormsJudgeBites takes a sound scene for sound, and finds each thing that is wrong with another.
func TestStormsJudgeBites(t *testing.T) {
	t.Parallel()
	const a, b, d = "replayed/g0/a.json", "replayed/g1/b.json", "lines/g0/d.json"
	for name, c := range map[string]struct {
		spoil         func(*scene)
		lost, doubled int
		wrong         string // what is said of it
	}{
		"sound":                        {func(*scene) {}, 0, 0, ""},
		"a row is gone":                {func(s *scene) { s.objects[d] = s.objects[d][1:] }, 1, 0, "not what their names say"},
		"a file is gone":               {func(s *scene) { delete(s.objects, a); delete(s.files, a) }, 2, 0, ""},
		"a row stands twice":           {func(s *scene) { s.objects[d] = append(s.objects[d], s.objects[d][12]) }, 0, 1, "not what their names say"},
		"a row stands in two files":    {func(s *scene) { s.objects[b] = append(s.objects[b], s.objects[a][0]) }, 0, 1, "interval or path"},
		"a row is another's":           {func(s *scene) { s.objects[a][0] = s.objects[a][1] }, 1, 1, "not what their names say"},
		"a row is changed":             {func(s *scene) { s.objects[a][0] = strings.Replace(s.objects[a][0], "w,0", "w,1", 1) }, 0, 0, "rows changed"},
		"a row has a member more":      {func(s *scene) { s.objects[a][0] = strings.Replace(s.objects[a][0], "}", `,"more":1}`, 1) }, 0, 0, "rows changed"},
		"a member stands twice":        {func(s *scene) { s.objects[a][0] = strings.Replace(s.objects[a][0], "{", `{"id":0,`, 1) }, 0, 0, "rows changed"},
		"rows are out of order":        {func(s *scene) { slices.Reverse(s.objects[d]) }, 0, 0, "unsorted rows"},
		"a row that was aborted":       {func(s *scene) { s.objects[a] = append(s.objects[a], string(grain(-3))) }, 0, 0, "should not be there"},
		"a file of another partition":  {func(s *scene) { s.files[d] = strings.Replace(s.files[d], `"part":1`, `"part":2`, 1) }, 0, 0, "interval or path"},
		"a file of a shorter interval": {func(s *scene) { s.files[d] = strings.Replace(s.files[d], `"until":48`, `"until":20`, 1) }, 0, 0, "interval or path"},
		"a file without rows":          {func(s *scene) { s.objects[a] = nil }, 2, 0, "without rows"},
		"a letter is gone":             {func(s *scene) { s.letters = nil }, 1, 0, ""},
		"a letter comes twice":         {func(s *scene) { s.letters = append(s.letters, s.letters...) }, 0, 1, ""},
		"a letter is changed":          {func(s *scene) { s.letters[0] = strings.Replace(s.letters[0], "true", "false", 1) }, 0, 0, "letters of sound rows"},
		"a sound row is a letter too": {func(s *scene) {
			s.letters = append(s.letters, `{"sink":"lines","part":1,"off":11,"id":1,"whole":true}`)
		}, 0, 0, "letters of sound rows"},
		"a row never got to its topic": {func(s *scene) { s.topics = s.topics[1:]; s.objects[a] = s.objects[a][1:] }, 1, 0, "not what their names say"},
		"a row is on its topic twice":  {func(s *scene) { s.topics = append(s.topics, `{"topic":"-csv","part":1,"off":0,"id":2}`) }, 0, 1, "interval or path"},
		"a topic is out of order": {func(s *scene) {
			s.topics[0], s.topics[2] = strings.Replace(s.topics[2], `"off":2`, `"off":0`, 1), strings.Replace(s.topics[0], `"off":0`, `"off":2`, 1)
		}, 0, 0, "rows out of order"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			c.spoil(s)
			v := s.judged(t)
			if said := strings.Join(v.Wrong, "\n"); v.Lost != c.lost || v.Doubled != c.doubled || !strings.Contains(said, c.wrong) || c.wrong == "" && said != "" {
				t.Errorf("lost %d, doubled %d, wrong %q; want %d, %d and %q", v.Lost, v.Doubled, said, c.lost, c.doubled, c.wrong)
			}
			if c.lost+c.doubled == 0 && c.wrong == "" && (v.Rows != 44 || v.Written != 43 || v.Letters != 1) {
				t.Errorf("%+v", v)
			}
		})
	}
}
