package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// rested is a round whose one sink with a hook has made a file, and told of it.
func rested(t *testing.T) *round {
	t.Helper()
	r := &round{bed: newBed(t), sinks: theSinks(false, false, false)[:2]}
	for _, s := range r.sinks {
		r.make(r.name+s.Topic, 1)
		r.plant(s.Name + "/a.json")
		r.hooks.start(s.Name)
		r.setBack(r.group(s), r.name+s.Topic, 0, 0, `{"v":1}`)
	}
	for i := range r.seats {
		r.seats[i] = &seat{scratch: t.TempDir()}
	}
	return r
}

func (b *bed) plant(key string) {
	b.t.Helper()
	if _, err := b.s3.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: &b.bucket.name, Key: &key, Body: strings.NewReader("x")}); err != nil {
		b.t.Fatal(err)
	}
}

// TestStormsJudgesSeeWhatIsLeft takes a round that has left nothing for sound, and finds each thing that another has left.
func TestStormsJudgesSeeWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*round)
		wrong string
	}{
		"sound": {func(*round) {}, ""},
		"an upload": {func(r *round) {
			key := "lines/a.json"
			if _, err := r.s3.CreateMultipartUpload(r.t.Context(), &s3.CreateMultipartUploadInput{Bucket: &r.bucket.name, Key: &key}); err != nil {
				r.t.Fatal(err)
			}
		}, "an upload is left over: lines/a.json"},
		"a scratch file": {func(r *round) {
			if err := os.WriteFile(filepath.Join(r.seats[1].scratch, "penstock-1"), nil, 0o600); err != nil {
				r.t.Fatal(err)
			}
		}, "a scratch file is left over: penstock-1"},
		"a crawl that is withheld": {func(r *round) {
			delete(r.hooks.began, "replayed")
		}, "replayed: the newest file is of"},
		"a crawl before the last file": {func(r *round) {
			r.hooks.began["replayed"][0] = r.newest("replayed/").Add(-2 * time.Second)
		}, "replayed: the newest file is of"},
		"rows that are owed": {func(r *round) {
			r.setBack(r.group(r.sinks[1]), r.name+mixTopic, 0, 0, `{"v":1,"owed":0}`)
		}, "lines: the hooks of partition 0 are owed rows from 0 on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rested(t)
			c.spoil(r)
			wrong := append(r.leftOver(), r.unheard()...)
			if said := strings.Join(wrong, "\n"); !strings.HasPrefix(said, c.wrong) || len(wrong) > 1 || c.wrong == "" && said != "" {
				t.Errorf("found %q, want %q alone", said, c.wrong)
			}
		})
	}
}

// TestStormsChainsAreJudgedAfterASetBackToo: what a trouble sets back is no break, and what penstock does before or after that may be one.
func TestStormsChainsAreJudgedAfterASetBackToo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		told  []string // offset and plan of each commit; those of a trouble are marked, - is a group that is deleted
		wrong string
	}{
		"sound":                {[]string{"0", "0 10", "10", "10 20", "20", "back 10", "10 20", "20"}, ""},
		"a plan meets a file":  {[]string{"0", "0 10", "10", "10 20", "20", "back 0", "0 15", "0 10", "10", "10 20", "20"}, ""},
		"a plan meets no file": {[]string{"0", "0 10", "10", "back 0", "0 10", "10", "10 15", "10 20", "20"}, "the plan was dropped or changed"},
		"a plan is dropped":    {[]string{"0", "0 10", "10", "back 0", "0 10", "0"}, "the plan was dropped or changed"},
		"deleted":              {[]string{"0", "0 10", "10", "-", "0 10", "10"}, ""},
		"a break before":       {[]string{"0", "10", "10 20", "20", "back 10", "10 20", "20"}, "rows were passed without a plan"},
		"a break after":        {[]string{"0", "0 10", "10", "back 0", "0 10", "15"}, "it is not where the plan ends"},
		"a break after all":    {[]string{"0", "0 10", "10", "-", "0 10", "15"}, "it is not where the plan ends"},
		"back by itself":       {[]string{"0", "0 10", "10", "0"}, "it went backwards"},
		"back again by itself": {[]string{"0", "0 10", "10", "10 20", "20", "back 0", "0 10", "10", "10 20", "20", "10 20"}, "it went backwards"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &round{bed: newBed(t), sinks: theSinks(false, false, false)[:1], setBacks: map[string]bool{}}
			s := r.sinks[0]
			topic := r.name + s.Topic
			r.make(topic, 1)
			r.produce(topic, 0, make([][]byte, 30), "")
			for i, told := range c.told {
				if told == "-" {
					r.forget(r.group(s))
					continue
				}
				told, back := strings.CutPrefix(told, "back ")
				var offset, end int64
				fmt.Sscan(told, &offset, &end)
				text := fmt.Sprintf(`{"v":1,"end":%d,"layout":"%d"}`, end, i)
				r.setBacks[backTo(r.group(s), topic, 0, offset, text)] = back
				r.setBack(r.group(s), topic, 0, offset, text)
			}
			if wrong := r.brokenChains(); len(wrong) > 1 || (c.wrong == "") != (len(wrong) == 0) || !strings.Contains(strings.Join(wrong, ""), c.wrong) {
				t.Errorf("found %q, want %q", wrong, c.wrong)
			}
		})
	}
}
