package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/parts"
)

// world is real parts with a bucket, a crawler and a topic of one name, and a file that is held against them.
type world struct {
	t                 *testing.T
	id, dir           string
	brokers, minio    string
	moto              string
	access, secretKey string
	env               []string // beyond the credentials of MinIO
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := parts.S3(t)
	w := &world{t: t, id: fmt.Sprintf("connect-%x", time.Now().UnixNano()), dir: t.TempDir(), brokers: parts.Kafka(t), minio: s.Endpoint,
		moto: parts.Moto(t), access: s.AccessKey, secretKey: s.SecretKey}
	t.Setenv("AWS_ACCESS_KEY_ID", s.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.SecretKey)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	w.client(func(c sdkaws.Config) error {
		_, err := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &w.id})
		return err
	}, w.minio)
	w.client(func(c sdkaws.Config) error {
		_, err := glue.NewFromConfig(c).CreateCrawler(t.Context(), &glue.CreateCrawlerInput{Name: &w.id, Role: sdkaws.String("crawls"), DatabaseName: &w.id,
			Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: sdkaws.String("s3://" + w.id)}}}})
		return err
	}, w.moto)
	w.ensure(w.id, 2)
	write(t, filepath.Join(w.dir, "p.csv"), "Date,Close\n2026-01-31,1\n")
	return w
}

func (w *world) client(make func(sdkaws.Config) error, endpoint string) {
	w.t.Helper()
	c, err := aws.Load(w.t.Context(), aws.Config{Endpoint: endpoint, Region: "us-east-1"})
	if err == nil {
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		c.HTTPClient = &http.Client{Transport: transport}
		err = make(c)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) admin() *kafka.Admin {
	w.t.Helper()
	a, err := (&kafka.Client{Config: kafka.Config{Brokers: []string{w.brokers}}}).Admin()
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) ensure(topic string, partitions int) {
	w.t.Helper()
	a := w.admin()
	defer a.Close()
	if _, err := a.Ensure(w.t.Context(), kafka.Topic{Name: topic, Partitions: partitions}); err != nil {
		w.t.Fatal(err)
	}
}

// check runs check --connect on a file, with ID, MINIO, MOTO and BROKERS in it as they are here.
func (w *world) check(config string, args ...string) (code int, out, errOut string) {
	w.t.Helper()
	write(w.t, filepath.Join(w.dir, "connectors.yaml"), strings.NewReplacer("ID", w.id, "MINIO", w.minio, "MOTO", w.moto, "BROKERS", w.brokers).Replace(config))
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "penstock", append([]string{"check", "--connect"}, args...)...)
	c.Dir, c.Env = w.dir, append(os.Environ(), w.env...)
	var said, failed strings.Builder
	c.Stdout, c.Stderr = &said, &failed
	c.Run()
	for _, secret := range []string{w.secretKey, "hunter22"} {
		if strings.Contains(said.String()+failed.String(), secret) {
			w.t.Errorf("a secret is shown:\n%s%s", said.String(), failed.String())
		}
	}
	return c.ProcessState.ExitCode(), w.plain(said.String()), w.plain(failed.String())
}

// volatile is what no two answers of a service have in common.
var volatile = regexp.MustCompile(`(RequestID|HostID): [^,]*`)

// plain is what was said, with ID and the places of the parts as check takes them, in the place of what differs from run to run.
func (w *world) plain(said string) string {
	said = strings.NewReplacer(w.id, "ID", w.minio, "MINIO", w.moto, "MOTO", w.brokers, "BROKERS").Replace(said)
	return volatile.ReplaceAllString(said, "$1: X")
}

const soundWorld = `kafka: {brokers: [BROKERS], offsets_topic: ID-offsets, state_topic: ID-state}
athena: {endpoint: MOTO, database: default, output: "s3://ID/athena/"}
aws: {region: us-east-1}
connectors:
  prices: {source: {csv: p.csv}, topic: ID-new}
  raw:
    topics: [ID-new]
    sink: {local: {dir: lake, path: "day={time:%Y-%m-%d}", format: json}}
  lake:
    topics: [ID]
    errors: {on_bad_record: dead_letter, topic: ID-dead}
    sink:
      s3: {endpoint: MINIO, path_style: true, bucket: ID, format: parquet}
    after_flush: [{glue: {endpoint: MOTO, crawler: ID}}]
`

// A world as the file needs it: one line for each thing that was asked, and nothing is made.
func TestConnect(t *testing.T) {
	w := newWorld(t)
	code, out, errOut := w.check(soundWorld)
	want := `connectors.yaml: 3 connectors, no mistakes
connectors.yaml:1: kafka.brokers: ok: brokers answer
connectors.yaml:1: kafka.offsets_topic: ok: topic ID-offsets is not there yet, and will be made
connectors.yaml:1: kafka.state_topic: ok: topic ID-state is not there yet, and will be made
connectors.yaml:2: athena.workgroup: ok: workgroup primary is enabled
connectors.yaml:2: athena.database: ok: database default is there
connectors.yaml:5: connectors.prices.topic: ok: topic ID-new is not there yet, and will be made
connectors.yaml:5: connectors.prices.source.csv: ok: it can be used
connectors.yaml:7: connectors.raw.topics[0]: ok: topic ID-new is not there yet, and will be made by prices
connectors.yaml:8: connectors.raw.sink.local: ok: it can be used
connectors.yaml:10: connectors.lake.topics[0]: ok: topic ID has 2 partitions, and can be read
connectors.yaml:11: connectors.lake.errors.topic: ok: topic ID-dead is not there yet, and will be made
connectors.yaml:13: connectors.lake.sink.s3: ok: it can be used
connectors.yaml:14: connectors.lake.after_flush[0].glue: ok: it can be used
`
	if code != 0 || out != want || errOut != "" {
		t.Errorf("exit code %d\n%s\nwant\n%s\n%s", code, out, want, errOut)
	}
	a := w.admin()
	defer a.Close()
	for _, topic := range []string{"-new", "-offsets", "-state", "-dead"} {
		if _, err := a.Partitions(t.Context(), w.id+topic); err == nil {
			t.Errorf("the topic %s%s was made", w.id, topic)
		}
	}
	w.client(func(c sdkaws.Config) error {
		all, err := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &w.id})
		if err == nil && len(all.Contents) > 0 {
			t.Errorf("%d objects are left", len(all.Contents))
		}
		return err
	}, w.minio)
}

// TestConnectCountsPartitions: with the brokers' word for them they may be more than memory has room for, though the file says nothing.
func TestConnectCountsPartitions(t *testing.T) {
	w := newWorld(t)
	w.ensure(w.id+"-wide", 23)
	const file = "kafka: {brokers: [BROKERS]}\nmemory: 43MiB\nconnectors:\n  lake: {topics: [ID-wide], sink: {local: {dir: lake, path: all, format: json}}}\n"
	want := "connectors.yaml:2: memory: warning: 43MiB is too little: the clients of the sinks take 10MiB each, what is read ahead of a partition 1MiB, and rows a quarter in any case, " +
		"so that the process will take more; give it at least 44MiB, or spread the connectors over several processes\n"
	if code, out, errOut := w.check(file); code != 0 || errOut != want {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
	if code, out, errOut := w.check(strings.Replace(file, "43MiB", "44MiB", 1)); code != 0 || errOut != "" {
		t.Errorf("with enough: exit code %d\n%s%s", code, out, errOut)
	}
}

// Everything that is wrong is told at once, each with its place, the service's word for it and the remedy.
func TestConnectFindsEverything(t *testing.T) {
	w := newWorld(t)
	w.ensure(w.id+"-state", 1)
	code, out, errOut := w.check(`kafka:
  brokers: [BROKERS]
  state_topic: ID-state
athena: {endpoint: MOTO, workgroup: nowhere, database: nothing}
aws: {region: us-east-1, endpoint: MOTO, path_style: true}
connectors:
  lake:
    topics: [ID, ID-none]
    sink:
      s3:
        endpoint: MINIO
        bucket: ID-none
        format: parquet
    after_flush:
      - glue: ID-none
  dead:
    topics: [ID]
    sink: {s3: {endpoint: "http://127.0.0.1:1", bucket: ID, format: parquet}}
  none: {source: {csv: "prices/*.csv"}, topic: ID}
  lacks:
    source:
      csv:
        path: p.csv
        key: Index
        time: Day
    topic: ID
`, "--output", "json")
	var got findings
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitEnvironment || len(got.Mistakes)+len(got.Warnings) > 0 || got.Connectors != 4 {
		t.Fatalf("exit code %d, %v\n%s\n%s", code, err, out, errOut)
	}
	said := ""
	for _, a := range got.Asked {
		if !a.OK {
			said += fmt.Sprintf("connectors.yaml:%d: %s: %s\n", a.Line, a.Option, a.Text)
		}
	}
	const want = `connectors.yaml:3: kafka.state_topic: topic ID-state has cleanup.policy "delete" and would forget; it must be compact
connectors.yaml:4: athena.workgroup: athena: there is no workgroup nowhere; mend athena.workgroup
connectors.yaml:4: athena.database: athena: MetadataException: An error occurred (EntityNotFoundException) when calling the GetDatabase operation: Database nothing not found. (Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException); make the database, or mend athena.database
connectors.yaml:8: connectors.lake.topics[1]: topic ID-none: there is no such topic; make it, or mend its name
connectors.yaml:12: connectors.lake.sink.s3.bucket: s3: list s3://ID-none/.: operation error S3: ListObjectsV2, https response error StatusCode: 404, RequestID: X, HostID: X, NoSuchBucket: The specified bucket does not exist; make the bucket, or correct bucket
connectors.yaml:15: connectors.lake.after_flush[0].glue.crawler: glue: crawler "ID-none": operation error Glue: GetCrawler, https response error StatusCode: 400, RequestID: X, EntityNotFoundException: Crawler ID-none not found.; make the crawler in this account and region, mend its name, or let create make it
connectors.yaml:18: connectors.dead.sink.s3: s3: list s3://ID/.: operation error S3: ListObjectsV2, exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: X, HostID: X, request send failed, Get "http://127.0.0.1:1/ID?delimiter=%2F&list-type=2&prefix=&start-after=": dial tcp 127.0.0.1:1: connect: connection refused
connectors.yaml:19: connectors.none.source.csv.path: csv: no file matches "prices/*.csv"; check the path, and that this process may read its folders
connectors.yaml:24: connectors.lacks.source.csv.key: csv: p.csv: there is no column "Index"; the columns are ["Date" "Close"]
connectors.yaml:25: connectors.lacks.source.csv.time: csv: p.csv: there is no column "Day"; the columns are ["Date" "Close"]
`
	if said != want || errOut != want {
		t.Errorf("\n%s\nand the errors are\n%s\nwant\n%s", said, errOut, want)
	}
}

// Credentials that are refused, and brokers that do not answer: what does not hang on them is asked all the same.
func TestConnectRefused(t *testing.T) {
	w := newWorld(t)
	w.env = []string{"AWS_SECRET_ACCESS_KEY=hunter22", "PASSWORD=hunter22"}
	code, out, errOut := w.check(`kafka:
  brokers: ["127.0.0.1:1"]
  properties: {security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN, sasl.username: me, sasl.password: "${env:PASSWORD}"}
aws: {region: us-east-1}
connectors:
  lake:
    topics: [ID]
    sink: {s3: {endpoint: MINIO, path_style: true, bucket: ID, format: parquet}}
`)
	const want = `connectors.yaml:2: kafka.brokers: kafka at 127.0.0.1:1: topic ID: Local: Broker transport failure; start it, or check brokers and properties of the kafka block
connectors.yaml:8: connectors.lake.sink.s3: s3: list s3://ID/.: operation error S3: ListObjectsV2, https response error StatusCode: 403, RequestID: X, HostID: X, api error SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. Check your key and signing method.; correct the credentials, or endpoint
`
	if code != exitEnvironment || out != "connectors.yaml: 1 connector, no mistakes\n" || errOut != want {
		t.Errorf("exit code %d\n%s\n%s\nwant\n%s", code, out, errOut, want)
	}
}

// A file with a mistake is asked of nobody.
func TestConnectAMistake(t *testing.T) {
	w := newWorld(t)
	code, out, errOut := w.check("kafka: {brokers: [\"127.0.0.1:1\"]}\nconnectors:\n  lake: {topics: [a], sink: {local: {dir: lake}}}\n", "-o", "json")
	var got findings
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitInput || len(got.Asked) > 0 || len(got.Mistakes) != 1 ||
		fmt.Sprintf("connectors.yaml:%d: %s: %s\n", got.Mistakes[0].Line, got.Mistakes[0].Option, got.Mistakes[0].Text) != errOut {
		t.Errorf("exit code %d, %v\n%s\n%s", code, err, out, errOut)
	}
}
