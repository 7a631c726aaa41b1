// Package e2e holds tests of the whole program: the penstock binary between a real Kafka, a real S3 and a stand-in of Glue, its
// files read back by other libraries and compared with the CSV, cell by cell. The judge shares no code with the program.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock/penstock/parts"
)

// hsi is the file of stocks that the repository ships.
const hsi = "../testdata/stock/hsi.csv"

// A pipeline is the repository's own connectors.yaml on the real parts. All of its names that say "stock" say id here, so that
// tests do not meet: connectors, and with them groups and producers, the topic, the bucket and the crawler.
type pipeline struct {
	t       testing.TB
	bin     string
	dir     string // where it runs, and where its file and logs are
	id      string
	csv     string
	env     []string
	bucket  *bucket
	crawler *crawler
}

func newPipeline(t testing.TB, name, csv string) *pipeline {
	t.Helper()
	access, id := parts.S3(t), fmt.Sprintf("%s-%x", name, time.Now().UnixNano())
	p := &pipeline{
		t: t, dir: t.TempDir(), id: id, csv: csv,
		env: []string{
			"KAFKA_BROKERS=" + parts.Kafka(t),
			"AWS_ENDPOINT_URL_S3=" + access.Endpoint, "AWS_ENDPOINT_URL_GLUE=" + parts.Moto(t),
			"AWS_ACCESS_KEY_ID=" + access.AccessKey, "AWS_SECRET_ACCESS_KEY=" + access.SecretKey, "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
		},
		bucket: newBucket(access, id+"-lake"), crawler: newCrawler(t, parts.Moto(t), id),
	}
	p.bin = parts.Penstock(t)
	if _, err := p.bucket.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &p.bucket.name}); err != nil {
		t.Fatal(err)
	}
	p.configure()
	return p
}

// configure writes the file, with some of its text exchanged: old, new and so on. MinIO's buckets have no host names.
func (p *pipeline) configure(changes ...string) {
	p.t.Helper()
	text, err := os.ReadFile("../connectors.yaml")
	if err != nil {
		p.t.Fatal(err)
	}
	csv, err := filepath.Abs(p.csv)
	if err != nil {
		p.t.Fatal(err)
	}
	changes = append(changes, "aws: {region: us-east-1}", "aws: {region: us-east-1, path_style: true}",
		"testdata/stock/*.csv", csv, "stock", p.id)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(string(text), changes[i]) {
			p.t.Fatalf("connectors.yaml does not say %q", changes[i])
		}
	}
	config := strings.NewReplacer(changes...).Replace(string(text))
	if err := os.WriteFile(filepath.Join(p.dir, "connectors.yaml"), []byte(config), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pipeline) start(args ...string) *parts.Process {
	p.t.Helper()
	return parts.StartPenstock(p.t, p.bin, p.dir, p.env, args...)
}

// drain runs the pipeline to its end.
func (p *pipeline) drain() {
	p.t.Helper()
	began := time.Now()
	ends(p.t, p.start("run", "--drain", "-v"), 0, time.Minute)
	p.t.Logf("drained in %.1f s", time.Since(began).Seconds())
}

// ends wants a process to end by itself, and soon, and one that succeeds to have logged no error; it gives what the process said.
func ends(t testing.TB, p *parts.Process, want int, within time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	code, err := p.Wait(ctx)
	if code != want || err != nil {
		t.Fatalf("exit code %d, error %v, want %d; it says\n%s", code, err, want, p.Tail(30))
	}
	said := string(must(os.ReadFile(p.Log()))(t))
	if want == 0 && strings.Contains(said, `"level":"ERROR"`) {
		t.Errorf("it says\n%s", p.Tail(30))
	}
	return said
}

// claims is what the two sinks of connectors.yaml do with a topic: as the records came by the day they came, and typed by year.
// The sinks and the topic have names that begin with id.
func claims(id string, tp topic) map[string]claim {
	return map[string]claim{
		"raw": {connector: id + "-json", topic: tp, ext: ".json.gz", folder: func(m message) []string {
			return []string{"raw", tp.name, "day=" + m.time.UTC().Format(time.DateOnly), "index=" + m.index}
		}},
		"prices": {connector: id + "-lake", topic: tp, ext: ".parquet", folder: func(m message) []string {
			return []string{"prices", tp.name, "index=" + m.index, "year=" + m.date[:4]}
		}},
	}
}

// judged compares what the sinks made with the topic, and both with the CSV, by every reader there is.
func judged(t testing.TB, id, csv string, tp topic, made map[string]store) {
	t.Helper()
	tp.holds(readCSV(t, csv)).report(t, "the topic")
	dir := t.TempDir()
	var folders []string
	for prefix, c := range claims(id, tp) {
		c.judge(made[prefix]).report(t, c.connector)
		made[prefix].save(t, dir)
		folders = append(folders, filepath.Join(dir, prefix))
	}
	for _, v := range judgePython(t, csv, folders...) {
		v.problems().report(t, v.Reader)
	}
}

// all is what the sinks made in a bucket.
func (b *bucket) all(t testing.TB) map[string]store {
	t.Helper()
	return byPrefix(t, must(b.fetch(t.Context(), ""))(t))
}

// byPrefix parts objects by the sink that made them, by the first folder of their keys.
func byPrefix(t testing.TB, all store) map[string]store {
	t.Helper()
	parted := map[string]store{"raw": {}, "prices": {}}
	for key, o := range all {
		prefix, _, _ := strings.Cut(key, "/")
		if parted[prefix] == nil {
			t.Errorf("%s is no sink's", key)
			continue
		}
		parted[prefix][key] = o
	}
	return parted
}

// must fails the test where there is an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// judge reads the topic and the bucket, and judges them.
func (p *pipeline) judge() (topic, map[string]store) {
	p.t.Helper()
	tp, made := readTopic(p.t, parts.Kafka(p.t), p.id), p.bucket.all(p.t)
	judged(p.t, p.id, p.csv, tp, made)
	return tp, made
}

// unchanged wants the objects of a bucket to be the very ones they were.
func unchanged(t testing.TB, b *bucket, made map[string]store) {
	t.Helper()
	now := must(b.list(t.Context(), ""))(t)
	var p problems
	for _, s := range made {
		for key, o := range s {
			if is, ok := now[key]; !ok || !is.made.Equal(o.made) {
				p.add("%s was made at %v, and is now of %v", key, o.made, is.made)
			}
			delete(now, key)
		}
	}
	for key := range now {
		p.add("%s is new", key)
	}
	p.report(t, "another run")
}
