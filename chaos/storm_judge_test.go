package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/penstock/penstock/parts"
	"github.com/twmb/franz-go/pkg/kgo"
)

// verdict is what the judges say of a round.
type verdict struct {
	Rows     int      `json:"rows"`
	Written  int      `json:"written"`
	Objects  int      `json:"objects"`
	Letters  int      `json:"dead_letters"`
	Lost     int      `json:"lost"`
	Doubled  int      `json:"doubled"`
	Examples []string `json:"examples"` // of those
	Wrong    []string `json:"wrong"`    // whatever else
}

// judgeStorm has every row counted, and looks at what else a round may not leave.
func (r *round) judgeStorm() (v verdict) {
	r.t.Helper()
	dir := r.t.TempDir()
	r.writeDown(dir)
	out, err := exec.Command(parts.Python(r.t), "storm.py", dir).Output()
	if err == nil {
		err = json.Unmarshal(out, &v)
	}
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			out = exit.Stderr
		}
		r.t.Fatalf("storm.py: %v\n%s", err, out)
	}
	v.Wrong = slices.Concat(v.Wrong, r.brokenChains(), r.leftOver(), r.unheard(), r.unverified())
	for _, line := range slices.Concat(v.Examples, v.Wrong) {
		r.t.Error(line)
	}
	if r.load.aborted == 0 {
		r.t.Error("no transaction was aborted")
	}
	if v.Rows == 0 || v.Written == 0 {
		r.t.Error("there was nothing to judge")
	}
	return v
}

// writeDown gives storm.py what it reads.
func (r *round) writeDown(dir string) {
	r.t.Helper()
	topics, letters, files := &sheet{}, &sheet{}, &sheet{}
	given := map[string]int{csvTopic: csvSplits * csvRows}
	for topic, n := range r.load.sent {
		given[topic] = n
	}
	for topic := range given {
		r.read(r.name+topic, func(rec *kgo.Record) {
			topics.add(map[string]any{"topic": topic, "part": rec.Partition, "off": rec.Offset, "id": json.Number(rec.Key)})
		})
	}
	for _, s := range r.sinks {
		if s.Dead {
			r.read(r.name+"-"+s.Name+"-dead", func(rec *kgo.Record) {
				said, _ := about(rec)
				id, _ := strconv.Atoi(string(rec.Key))
				letters.add(map[string]any{"sink": s.Name, "part": json.Number(said["partition"]), "off": json.Number(said["offset"]),
					"id": id, "whole": bytes.Equal(rec.Value, grain(id))})
			})
		}
	}
	for _, o := range r.download(filepath.Join(dir, "files"), "") {
		sink, _, _ := strings.Cut(o.key, "/")
		files.add(map[string]any{"sink": sink, "file": o.key, "part": o.partition(), "first": o.first(), "from": o.from, "until": o.until,
			"rows": json.Number(o.meta["penstock-rows"])})
	}
	spec, err := json.Marshal(map[string]any{"given": given, "split": csvRows, "sinks": r.sinks})
	if err != nil {
		r.t.Fatal(err)
	}
	for name, text := range map[string][]byte{"spec.json": spec, "topics.jsonl": topics.Bytes(), "letters.jsonl": letters.Bytes(), "files.jsonl": files.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

// sheet is JSON lines.
type sheet struct{ bytes.Buffer }

func (s *sheet) add(row any) { _ = json.NewEncoder(s).Encode(row) } // of strings and numbers, into memory

// brokenChains says where what the groups were told does not go (S) to (S, plan E) to (E), but where a trouble set it back.
func (r *round) brokenChains() (wrong []string) {
	r.t.Helper()
	type key struct {
		group     string
		partition int32
	}
	filled := map[key][]int64{}
	last := map[key]*recalled{}
	for _, c := range r.memories() {
		group, topic, _ := strings.Cut(c.topic, " ")
		if !strings.HasPrefix(topic, r.name) || strings.HasSuffix(topic, "-offsets") {
			continue
		}
		rows := key{topic, -1}
		if filled[rows] == nil {
			filled[rows] = []int64{}
			r.read(topic, func(rec *kgo.Record) { k := key{topic, rec.Partition}; filled[k] = append(filled[k], rec.Offset) })
		}
		k := key{group, c.partition}
		if last[k] == nil {
			last[k] = &recalled{}
		}
		before, set := last[k].mark, r.setBacks[backTo(group, topic, c.partition, c.offset, c.text)]
		if why := last[k].next(c, set, filled[key{topic, c.partition}]); why != "" {
			wrong = append(wrong, fmt.Sprintf("group %s, partition %d: %v follows %v: %s", group, c.partition, c.mark, *before, why))
		}
	}
	if len(last) == 0 {
		wrong = append(wrong, "the groups have no history")
	}
	return wrong
}

// recalled is what a group remembered last of a partition, and how far files stand since before it was set back: a plan that meets one
// there goes where that ends.
type recalled struct {
	mark   *mark
	stands int64
}

// next takes a commit in, and says why it may not follow. What a trouble set is no break.
func (m *recalled) next(c commit, set bool, rows []int64) string {
	before := m.mark
	if m.mark = &c.mark; c.forgotten {
		m.mark = nil
	}
	switch {
	case before == nil:
		return ""
	case c.forgotten, set && c.offset <= before.offset:
		m.stands = max(m.stands, before.offset, before.End)
		return ""
	case c.offset == before.offset && c.offset < m.stands && before.End != 0 && c.End != 0:
		return ""
	}
	low := sort.Search(len(rows), func(i int) bool { return rows[i] >= before.offset })
	high := sort.Search(len(rows), func(i int) bool { return rows[i] >= c.offset })
	return broken(*before, c.mark, rows[low:max(low, high)])
}

// backTo names what a group was made to remember.
func backTo(group, topic string, partition int32, offset int64, text string) string {
	return fmt.Sprint(group, " ", topic, " ", partition, " ", offset, " ", text)
}

// leftOver finds uploads that nobody finished or took back, and scratch files.
func (r *round) leftOver() (wrong []string) {
	r.t.Helper()
	up, err := r.s3.ListMultipartUploads(r.t.Context(), &s3.ListMultipartUploadsInput{Bucket: &r.bucket.name})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, u := range up.Uploads {
		wrong = append(wrong, "an upload is left over: "+*u.Key)
	}
	for _, s := range r.seats {
		left, err := os.ReadDir(s.scratch)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, f := range left {
			wrong = append(wrong, "a scratch file is left over: "+f.Name())
		}
	}
	return wrong
}

// unheard finds rows of which a sink's hook was never told: what is owed still, and files that are younger than the last crawl.
func (r *round) unheard() (wrong []string) {
	r.t.Helper()
	for _, s := range r.sinks {
		if !s.Hooks {
			continue
		}
		newest, crawls := r.newest(s.Name+"/"), r.hooks.crawlsOf(s.Name)
		if len(crawls) == 0 || crawls[len(crawls)-1].Before(newest.Truncate(time.Second)) {
			wrong = append(wrong, fmt.Sprintf("%s: the newest file is of %v, and crawls began at %v", s.Name, newest, crawls))
		}
		for p := range int32(len(r.ends(r.name + s.Topic))) {
			if m := r.committed(r.group(s), r.name+s.Topic, p); m.Owed != nil {
				wrong = append(wrong, fmt.Sprintf("%s: the hooks of partition %d are owed rows from %d on", s.Name, p, *m.Owed))
			}
		}
	}
	return wrong
}

// newest is when the youngest object below a prefix was made.
func (r *round) newest(prefix string) (at time.Time) {
	r.t.Helper()
	pages := s3.NewListObjectsV2Paginator(r.s3, &s3.ListObjectsV2Input{Bucket: &r.bucket.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		for _, o := range page.Contents {
			if o.LastModified.After(at) {
				at = *o.LastModified
			}
		}
	}
	return at
}

// unverified is what penstock itself finds, as its users do.
func (r *round) unverified() (wrong []string) {
	r.t.Helper()
	for _, s := range r.sinks {
		for _, found := range r.verify(r.name+"-"+s.Name, "--rows", "-f", "direct.yaml") {
			wrong = append(wrong, s.Name+": verify: "+found)
		}
	}
	return wrong
}
