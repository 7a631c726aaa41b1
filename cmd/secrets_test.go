package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

// The mark of every secret below: whatever becomes of the rest of it, this is no part of anything that is written.
const mark = "2bQ9xMARK"

// secretEnv is the secrets: one that has to be escaped nearly everywhere, and one for URLs.
var secretEnv = []string{"PLAIN=p<&\"'\\é " + mark, "IN_URL=u-" + mark}

// teller is a sink of a third party's that tells all its options in every error.
type teller struct {
	URL     string            `yaml:"url,short" layout:"-"`
	Token   string            `yaml:"token"`
	Headers map[string]string `yaml:"headers" layout:"-"`
	Sound   bool              `yaml:"sound"`
}

func newTeller(c teller) (sink.Sink, error) {
	if !c.Sound {
		return nil, fmt.Errorf("%+v; %q", c, c.Headers)
	}
	return sink.Func(func(context.Context, *record.Batch) error { return fmt.Errorf("%+v; %q", c, c.Headers) }), nil
}

func builtinWithTeller() *plugin.Registry {
	r := Builtin()
	plugin.Add(r, "teller", teller{}, newTeller)
	return r
}

// penstockWithTeller runs a command to its end, or, where it does not end, as until says, and gives all that it printed.
func penstockWithTeller(t *testing.T, config string, until func(said func() string) bool, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "connectors.yaml"), config)
	write(t, filepath.Join(dir, "p.csv"), "Index,Close\n"+strings.Repeat("HSI,1.5\n", 100))
	write(t, filepath.Join(dir, "secret"), secretEnv[0][len("PLAIN="):])
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, "penstock-with-teller", args...)
	c.Dir, c.Stdout, c.Stderr, c.Env = dir, log, log, append(append(os.Environ(), "AWS_ACCESS_KEY_ID="+os.Getenv("PENSTOCK_TEST_S3_ACCESS_KEY"), "AWS_SECRET_ACCESS_KEY="+os.Getenv("PENSTOCK_TEST_S3_SECRET_KEY")), secretEnv...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	said := func() string {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for until != nil && ctx.Err() == nil && !until(said) {
		time.Sleep(20 * time.Millisecond)
	}
	if until != nil {
		_ = c.Process.Signal(syscall.SIGTERM)
	}
	_ = c.Wait() // most are to fail
	if ctx.Err() != nil {
		t.Errorf("%v: not ended in time\n%s", args, said())
	}
	return said()
}

// unmarked says that there is something, and no secret in it.
func unmarked(t *testing.T, what, text string, want ...string) {
	t.Helper()
	if i := strings.Index(text, mark); i >= 0 {
		t.Errorf("%s holds a secret: ...%s...", what, text[max(0, i-300):min(len(text), i+100)])
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s holds no %s:\n%.3000s", what, w, text)
		}
	}
}

// What is wrong with a file is told without the secrets that are there, next to it or in its place, be they in the file itself.
func TestSecretsBesideMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config string
		want   []string
	}{
		"wrong types": {`
kafka: {brokers: ["${env:PLAIN}:${env:PLAIN}"], properties: {sasl.password: ["${env:PLAIN}"], debug: "${env:PLAIN}", acks: "${env:PLAIN}"}}
memory: "${env:PLAIN}"
listen: "${file:secret}"
athena: {output: "${env:PLAIN}", endpoint: "${env:PLAIN}"}
aws: {endpoint: "ftp://me:${env:IN_URL}@h", role_arn: "${env:PLAIN}"}
connectors:
  in: {source: {csv: {path: "[${env:PLAIN}", rate: "${file:secret}", order: "${env:PLAIN}", time: "${env:PLAIN}"}}, topic: {name: "${env:PLAIN}", partitions: "${env:PLAIN}"}}
  out:
    topics: ["${env:PLAIN}"]
    from: "${env:PLAIN}"
    sink: {s3: {bucket: "${env:PLAIN}/x", path: "{${env:PLAIN}", time_zone: "${env:PLAIN}", sse: "${env:PLAIN}", format: {json: {compression: "${env:PLAIN}"}}, tags: {"aws:x": "${env:PLAIN}"}}}
    flush: {every: "${env:PLAIN}", bytes: "${env:PLAIN}", rows: "${env:PLAIN}"}
    errors: {on_bad_record: "${env:PLAIN}", topic: "${env:PLAIN}"}
    after_flush: [{glue: {crawler: "${env:PLAIN}", endpoint: "http//${env:PLAIN}", at_most_every: "${env:PLAIN}"}}]
  teller: {topics: [a], sink: {teller: {token: "${env:PLAIN}", headers: {Authorization: "Bearer ${env:PLAIN}"}, url: "http://${env:IN_URL}@h"}}}
`, []string{"sasl.password: expects text", "memory:", "glue.endpoint", "Token:${env:PLAIN}"}},
		"stands in the file": {`
kafka: {brokers: ["a:1"], properties: {sasl.password: 2bQ9xMARK1, sasl.jaas: {2bQ9xMARK1: }, ssl.key.pem: [2bQ9xMARK1], ssl.key.password: 2bQ9xMARK1, x: y}}
aws: {endpoint: "ftp://me:2bQ9xMARK1@h"}
connectors:
  teller: {topics: [a], sink: {teller: {token: 2bQ9xMARK1, headers: {Authorization: Bearer 2bQ9xMARK1}, url: "http://2bQ9xMARK1@h"}}}
`, []string{"ssl.key.pem: expects text", "Token:***", "aws.endpoint:"}},
		"unknown options near it": {`
kafka: {brokers: ["a:1"], propertys: {sasl.password: "${env:PLAIN}"}, sasl.password: "${env:PLAIN}"}
connectors:
  teller: {topics: [a], sink: {teller: {tokn: "${env:PLAIN}", sound: true, token: "${env:PLAIN}"}}}
`, []string{`did you mean "properties"?`, `did you mean "token"?`}},
		"not YAML": {"kafka: {brokers: [a], properties: {sasl.password: \"${env:PLAIN}\"}\nconnectors: {a: \"${env:PLAIN}\"\n", []string{"is not YAML"}},
		"sound, with warnings": {`
kafka: {brokers: ["a:1"], properties: {sasl.password: 2bQ9xMARK1}}
aws: {region: r, endpoint: "http://me:2bQ9xMARK1@h"}
connectors:
  teller: {topics: [a], sink: {teller: {token: 2bQ9xMARK1, sound: true}}}
`, []string{
			"connectors.yaml:2: kafka.properties.sasl.password: warning: a secret stands in the file; write \"${env:NAME}\" or \"${file:path}\" in its place",
			"connectors.yaml:3: aws.endpoint: warning: a secret", "connectors.teller.sink.teller.token: warning: a secret", "no mistakes"}},
	} {
		for _, args := range [][]string{{"check"}, {"check", "--output", "json"}, {"run", "--drain"}, {"preview", "out"}, {"offsets", "out"}, {"verify", "out"}, {"dev"}, {"query", "SELECT 1"}} {
			if strings.HasPrefix(name, "sound") && args[0] != "check" {
				continue
			}
			t.Run(name+"/"+strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				want := c.want
				if len(args) > 2 || args[0] == "query" { // quoted in JSON; of athena alone
					want = nil
				}
				unmarked(t, "what it prints", penstockWithTeller(t, c.config, nil, args...), want...)
			})
		}
	}
}

// secured is a file of which every part that could be secret is, but for what it needs to reach the real parts. LISTEN and so on are
// put in its place.
const secured = `
kafka:
  brokers: ["BROKERS"]
  state_topic: ID-state
  offsets_topic: ID-offsets
  properties:
    debug: all
    sasl.username: me
    sasl.password: "${env:PLAIN}"
    ssl.key.password: "${env:PLAIN}"
    sasl.oauthbearer.client.secret: "${file:secret}"
    sasl.oauthbearer.config: "principal=${file:secret}"
    SECURITY: x
listen: LISTEN
aws: {region: us-east-1}
athena: {endpoint: "http://me:${env:IN_URL}@127.0.0.1:1", output: "s3://x/y"}
connectors:
  in: {source: {csv: {path: p.csv, key: Index}}, topic: ID}
  lake:
    topics: [ID]
    sink: {s3: {bucket: ID, endpoint: "http://me:${env:IN_URL}@MINIO", path_style: true, path: raw, format: json, tags: {owner: x}}}
    flush: {every: 100ms}
    after_flush: [{glue: {crawler: x, endpoint: "http://me:${env:IN_URL}@127.0.0.1:1"}}]
  away:
    topics: [ID]
    sink: {s3: {bucket: ID, endpoint: "http://me:${env:IN_URL}@127.0.0.1:1", path_style: true, path: raw, format: json}}
    flush: {every: 100ms}
  dead:
    topics: [ID]
    schema: {columns: {Close: int64, Index: string}}
    sink: {local: {dir: lake, path: "x={Index}", format: parquet}}
    flush: {every: 100ms}
    errors: {on_bad_record: dead_letter, topic: ID-dead}
  teller:
    topics: [ID]
    sink: {teller: {token: "${env:PLAIN}", sound: true, headers: {Authorization: "Bearer ${env:PLAIN}", x-api-key: "${file:secret}"}, url: "http://me:${env:IN_URL}@h"}}
    flush: {every: 100ms}
`

// Commands that reach for what is outside say nothing of secrets, whether they reach it or not.
func TestSecretsOfCommands(t *testing.T) {
	t.Parallel()
	w := newSecured(t)
	for world, brokers := range map[string]string{"there": w.brokers, "away": "127.0.0.1:1"} {
		config := w.config(brokers, "PLAINTEXT")
		if world == "away" {
			config = w.config(brokers, "SASL_PLAINTEXT")
		}
		for _, args := range [][]string{{"check", "--connect"}, {"check", "--connect", "--output", "json"}, {"preview", "lake"}, {"offsets", "lake"}, {"verify", "lake"}, {"verify", "lake", "--rows"},
			{"query", "SELECT 1"}, {"run", "--drain"}, {"docs", "s3"}, {"schema"}, {"plugins"}} {
			if world == "there" && args[0] == "run" {
				continue
			}
			t.Run(world+"/"+strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				said := penstockWithTeller(t, config, nil, args...)
				if unmarked(t, "what it prints", said); said == "" {
					t.Error("it says nothing")
				}
			})
		}
	}
}

// A service, with all there is to log, tells no secret: not in its log, on its pages, in topics, nor beside its objects.
func TestSecretsOfAService(t *testing.T) {
	t.Parallel()
	w := newSecured(t)
	page := func(name string) string {
		r, err := http.Get("http://" + w.listen + name)
		if err != nil {
			return ""
		}
		defer r.Body.Close()
		text, _ := io.ReadAll(r.Body)
		return string(text)
	}
	defer http.DefaultClient.CloseIdleConnections()
	pages := map[string]string{}
	log := penstockWithTeller(t, w.config(w.brokers, "PLAINTEXT"), func(said func() string) bool {
		health := page("/health")
		for _, name := range []string{"/ready", "/metrics"} {
			pages[name] = page(name)
		}
		pages["/health"] = health
		return strings.Contains(health, "Token:${env:PLAIN}") && strings.Contains(health, "connection refused") && strings.Contains(said(), "hook failed") && strings.Contains(said(), "flush is tried again") &&
			strings.Contains(page("/metrics"), `penstock_bad_records_total{connector="dead",verdict="dead_letter"} 100`) && len(w.objects()) > 0
	}, "run", "--verbose")
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) && !strings.HasPrefix(line, "away: ") { // the command's own last word: that one cannot flush
			t.Errorf("not of the log: %s", line)
			break
		}
	}
	unmarked(t, "the log", log, "flush is tried again", "Token:${env:PLAIN}", "hook failed", `"from":"librdkafka"`, "http://me:${env:IN_URL}@")
	unmarked(t, "/health", pages["/health"], "Token:${env:PLAIN}", "connection refused")
	unmarked(t, "/ready", pages["/ready"], "Token:${env:PLAIN}")
	unmarked(t, "/metrics", pages["/metrics"], "penstock_retries_total")
	unmarked(t, "objects", strings.Join(w.objects(), "\n"), "penstock-connector")
	unmarked(t, "the state topic", w.read(w.id+"-state", ""), "layout/", `"sound":true`, `"bucket":"`+w.id)
	unmarked(t, "dead letters", w.read(w.id+"-dead", ""), "__connect.errors.exception.message")
	unmarked(t, "commits", w.read("__consumer_offsets", w.id), `"layout":`)
}

type securedWorld struct {
	t                       *testing.T
	id, brokers, listen, s3 string
	access                  parts.S3Access
}

func newSecured(t *testing.T) *securedWorld {
	t.Helper()
	a := parts.S3(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	ports, err := parts.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	w := &securedWorld{t: t, id: fmt.Sprintf("secrets-%x", time.Now().UnixNano()), brokers: parts.Kafka(t), access: a,
		listen: fmt.Sprintf("127.0.0.1:%d", ports[0]), s3: strings.TrimPrefix(a.Endpoint, "http://")}
	if _, err := w.client().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &w.id}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *securedWorld) client() *s3.Client {
	return s3.New(s3.Options{HTTPClient: http.DefaultClient, BaseEndpoint: &w.access.Endpoint, UsePathStyle: true, Region: w.access.Region,
		Credentials: credentials.NewStaticCredentialsProvider(w.access.AccessKey, w.access.SecretKey, "")})
}

func (w *securedWorld) config(brokers, protocol string) string {
	return strings.NewReplacer("ID", w.id, "IN_URL", "IN_URL", "MINIO", w.s3, "BROKERS", brokers, "LISTEN", w.listen, "SECURITY: x", "security.protocol: "+protocol).Replace(secured)
}

// objects is what stands beside each object of the bucket.
func (w *securedWorld) objects() (all []string) {
	w.t.Helper()
	got, err := w.client().ListObjectsV2(w.t.Context(), &s3.ListObjectsV2Input{Bucket: &w.id})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range got.Contents {
		head, err := w.client().HeadObject(w.t.Context(), &s3.HeadObjectInput{Bucket: &w.id, Key: o.Key})
		if err != nil {
			w.t.Fatal(err)
		}
		tags, err := w.client().GetObjectTagging(w.t.Context(), &s3.GetObjectTaggingInput{Bucket: &w.id, Key: o.Key})
		if err != nil || len(tags.TagSet) != 1 {
			w.t.Fatal(err, tags)
		}
		all = append(all, fmt.Sprint(sdkaws.ToString(o.Key), head.Metadata, sdkaws.ToString(tags.TagSet[0].Value)))
	}
	return all
}

// read is every key, value and header of a topic's records that name something.
func (w *securedWorld) read(topic, naming string) string {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	var all bytes.Buffer
	for {
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
		fetches := client.PollFetches(ctx)
		cancel()
		if fetches.NumRecords() == 0 {
			return all.String()
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if text := fmt.Sprintf("%s %s %s\n", r.Key, r.Value, r.Headers); strings.Contains(text, naming) {
				all.WriteString(text)
			}
		}
	}
}
