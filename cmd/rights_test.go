package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	sdks3 "github.com/aws/aws-sdk-go-v2/service/s3"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/hook/glue"
	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
	"github.com/penstock/penstock/sink/s3"
)

// amazon stands before MinIO, moto and a player of Athena, and notes which right each request would need of AWS, and by which call.
type amazon struct {
	t      *testing.T
	s3     http.Handler
	moto   http.Handler
	athena http.Handler
	mu     sync.Mutex
	rights map[string]map[string]bool // by action: the calls
	refuse string                     // a call that is denied, once
	asked  atomic.Int64               // requests
}

func (a *amazon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked.Add(1)
	service, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	to := a.moto
	switch {
	case service == "AWSGlue":
		service = "glue"
	case service == "AmazonAthena":
		service, to = "athena", a.athena
	case strings.Contains(r.Header.Get("Content-Type"), "x-www-form-urlencoded"):
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		service, call, r.Body = "sts", form.Get("Action"), io.NopCloser(bytes.NewReader(body))
	default:
		service, call, to = "s3", s3Call(r), a.s3
	}
	a.mu.Lock()
	denied := call == a.refuse
	if denied {
		a.refuse = ""
	}
	for _, action := range rightsOf(service, call, r.Header) {
		if a.rights[action] == nil {
			a.rights[action] = map[string]bool{}
		}
		a.rights[action][call] = true
	}
	a.mu.Unlock()
	if denied {
		_, _ = io.Copy(io.Discard, r.Body) // or the sender sees a broken connection, and asks again
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<Error><Code>AccessDenied</Code></Error>")
		return
	}
	to.ServeHTTP(w, r)
}

// s3Call names a request as the API does.
func s3Call(r *http.Request) string {
	q := r.URL.Query()
	object := strings.Count(strings.Trim(r.URL.Path, "/"), "/") > 0
	for _, c := range []struct {
		call, method string
		is           bool
	}{
		{"CreateMultipartUpload", "POST", q.Has("uploads")}, {"ListMultipartUploads", "GET", q.Has("uploads")},
		{"UploadPart", "PUT", q.Has("partNumber")}, {"CompleteMultipartUpload", "POST", q.Has("uploadId")},
		{"AbortMultipartUpload", "DELETE", q.Has("uploadId")}, {"ListObjectsV2", "GET", q.Get("list-type") == "2"},
		{"HeadObject", "HEAD", object}, {"PutObject", "PUT", object}, {"DeleteObject", "DELETE", object},
		{"GetObject", "GET", object},
	} {
		if c.method == r.Method && c.is {
			return c.call
		}
	}
	return r.Method + " " + r.URL.String()
}

// rightsOf is the actions that AWS asks for, by its service authorization reference.
func rightsOf(service, call string, h http.Header) (actions []string) {
	switch {
	case service == "glue" && call == "CreateCrawler":
		return []string{"glue:CreateCrawler", "iam:PassRole"}
	case service != "s3":
		return []string{service + ":" + call}
	}
	object := map[string]string{
		"ListMultipartUploads": "s3:ListBucketMultipartUploads", "AbortMultipartUpload": "s3:AbortMultipartUpload", "ListObjectsV2": "s3:ListBucket",
		"HeadObject": "s3:GetObject", "GetObject": "s3:GetObject", "DeleteObject": "s3:DeleteObject",
		"PutObject": "s3:PutObject", "CreateMultipartUpload": "s3:PutObject", "UploadPart": "s3:PutObject", "CompleteMultipartUpload": "s3:PutObject",
	}
	actions = append(actions, object[call])
	if object[call] == "" {
		actions[0] = "s3:unknown " + call
	}
	for header, action := range map[string]string{"X-Amz-Tagging": "s3:PutObjectTagging", "X-Amz-Acl": "s3:PutObjectAcl"} {
		if h.Get(header) != "" {
			actions = append(actions, action)
		}
	}
	if strings.HasPrefix(h.Get("X-Amz-Server-Side-Encryption"), "aws:kms") {
		actions = append(actions, "kms:GenerateDataKey", "kms:Decrypt")
	}
	return actions
}

func newAmazon(t *testing.T) (*amazon, aws.Config) {
	t.Helper()
	proxy := func(to string) http.Handler {
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host }}
	}
	access := parts.S3(t)
	t.Setenv("AWS_ACCESS_KEY_ID", access.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", access.SecretKey)
	a := &amazon{t: t, s3: proxy(access.Endpoint), moto: proxy(parts.Moto(t)), athena: player(t), rights: map[string]map[string]bool{}}
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	return a, aws.Config{Endpoint: played(t, a), Region: "us-east-1", PathStyle: true}
}

// flushed makes an interval of rows of a megabyte each.
func flushed(t *testing.T, s sink.Sink, c sink.Claim, rows int) error {
	t.Helper()
	w, err := s.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer w.(io.Closer).Close()
	for i := range rows {
		rec := record.Record{Offset: c.From + int64(i), Value: []byte(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)}
		if err := w.Write(t.Context(), &record.Batch{Topic: c.Topic, Records: []record.Record{rec}}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := w.Cut(c.From + int64(rows))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Commit(t.Context())
	return err
}

// What a policy allows is what penstock asks for, no more and no less: every request that it makes of S3, Glue, Athena and STS is seen.
func TestRightsThatAreUsed(t *testing.T) {
	a, config := newAmazon(t)
	bucket := a.useS3(config)
	sinkRights := a.take()
	a.useVerify(config, bucket)
	verifyRights := a.take()
	a.useOptions(config)
	optional := a.take()
	a.useGlue(config)
	glueRights := a.take()
	a.useAthena(config)
	athenaRights := a.take()
	a.assume(config.Endpoint)
	if got := a.take(); len(got) != 1 || !got["sts:AssumeRole"]["AssumeRole"] {
		t.Errorf("to assume a role: %v", got)
	}

	text, err := os.ReadFile("../docs/iam.md")
	if err != nil {
		t.Fatal(err)
	}
	section := func(name string) string {
		_, s, found := strings.Cut(string(text), "\n## "+name)
		if s, _, _ = strings.Cut(s, "\n## "); !found {
			t.Fatalf("docs/iam.md has no section %s", name)
		}
		return s
	}
	bySink := section("The sink `s3`")
	for action := range sinkRights {
		delete(optional, action)
	}
	optional["s3:DeleteObject"] = sinkRights["s3:DeleteObject"]
	delete(sinkRights, "s3:DeleteObject") // of check alone, which can do without
	for action := range optional {
		if !strings.Contains(bySink, "`"+action+"`") {
			t.Errorf("%s is needed by %v, and docs/iam.md does not name it", action, optional[action])
		}
	}
	if want := []string{"kms:Decrypt", "kms:GenerateDataKey", "s3:DeleteObject", "s3:PutObjectAcl", "s3:PutObjectTagging"}; !slices.Equal(slices.Sorted(maps.Keys(optional)), want) {
		t.Errorf("with options %v", optional)
	}
	agree(t, bySink, policies(t, bySink), sinkRights)
	byVerify := section("`penstock verify`")
	agree(t, byVerify, policies(t, byVerify), verifyRights)
	byHook := section("The hook `glue`")
	agree(t, byHook, policies(t, byHook), glueRights)
	byQuery, byCheck := section("`penstock query`"), section("`penstock check --connect`")
	allowed := policies(t, byQuery)
	maps.Copy(allowed, policies(t, byCheck))
	maps.DeleteFunc(allowed, func(action string, _ bool) bool { return !strings.HasPrefix(action, "athena:") }) // the others are Athena's own needs
	agree(t, byQuery+byCheck, allowed, athenaRights)
}

// agree compares what is allowed with what is used, and wants each action named beside the calls that need it.
func agree(t *testing.T, section string, allowed map[string]bool, used map[string]map[string]bool) {
	t.Helper()
	for action, calls := range used {
		if !allowed[action] {
			t.Errorf("%v need %s, which no policy allows", slices.Collect(maps.Keys(calls)), action)
		}
		row := regexp.MustCompile("(?m)^\\| .*`" + action + "`.*").FindString(section)
		for call := range calls {
			if !strings.Contains(row, "`"+call+"`") {
				t.Errorf("%s is needed by %s, of which its row says nothing: %s", action, call, row)
			}
		}
	}
	for action := range allowed {
		if used[action] == nil {
			t.Errorf("a policy allows %s, which nothing needs", action)
		}
	}
}

// take gives what was noted since the last time, once nothing comes any more: a request that its sender gave up may come late.
func (a *amazon) take() map[string]map[string]bool {
	for n := int64(-1); n != a.asked.Load(); {
		n = a.asked.Load()
		time.Sleep(200 * time.Millisecond)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.rights
	a.rights = map[string]map[string]bool{}
	return all
}

func (a *amazon) sink(c s3.Config) sink.Sink {
	a.t.Helper()
	lines, err := json.New(json.Defaults())
	if err != nil {
		a.t.Fatal(err)
	}
	c.Files = files.Config{Format: lines}
	made, err := s3.New(c)
	if err != nil {
		a.t.Fatal(err)
	}
	return made
}

// useS3 makes a small file, meets it again, makes a large one, gives one up, and checks.
func (a *amazon) useS3(config aws.Config) (bucket string) {
	a.t.Helper()
	bucket = fmt.Sprintf("rights-%x", time.Now().UnixNano())
	loaded, err := aws.Load(a.t.Context(), config)
	if err == nil {
		client := sdks3.NewFromConfig(loaded, func(o *sdks3.Options) { o.UsePathStyle = true })
		_, err = client.CreateBucket(a.t.Context(), &sdks3.CreateBucketInput{Bucket: &bucket})
	}
	if err != nil {
		a.t.Fatal(err)
	}
	a.take() // which is the test's own
	s := a.sink(s3.Config{AWS: config, Bucket: bucket, Prefix: "lake"})
	claim := sink.Claim{Connector: "c", Topic: "stock", TopicID: "id"}
	errs := []error{flushed(a.t, s, claim, 1)}
	claim.Until = 1
	errs = append(errs, flushed(a.t, s, claim, 1))
	claim.From, claim.Until = 1, 0
	errs = append(errs, flushed(a.t, s, claim, 33), s.(sink.Checked).Check(a.t.Context()))
	for _, err := range errs {
		if err != nil {
			a.t.Fatal(err)
		}
	}
	a.refuse, claim.From = "UploadPart", 40
	if flushed(a.t, s, claim, 33) == nil {
		a.t.Error("a part that was refused went through")
	}
	return bucket
}

// useVerify looks at what stands, as verify does, and reads it, as with --rows.
func (a *amazon) useVerify(config aws.Config, bucket string) {
	a.t.Helper()
	k := a.sink(s3.Config{AWS: config, Bucket: bucket, Prefix: "lake"}).(sink.Keeper)
	seen := 0
	for o, err := range k.Objects(a.t.Context(), "stock", func(int32) (int64, int64) { return 0, 100 }) {
		if err == nil {
			err = k.Inspect(a.t.Context(), o)
		}
		if seen++; err != nil {
			a.t.Error(err)
		}
	}
	if seen != 2 {
		a.t.Errorf("%d objects, want 2", seen)
	}
}

// useOptions makes a file with every option that asks for more, in a store that says yes to all.
func (a *amazon) useOptions(config aws.Config) {
	a.t.Helper()
	was := a.s3
	a.s3 = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("ETag", `"x"`) })
	s := a.sink(s3.Config{AWS: config, Bucket: "rights", Object: s3.Object{SSE: "aws:kms", KMSKey: "k", ACL: "private", Tags: map[string]string{"a": "b"}}})
	if err := flushed(a.t, s, sink.Claim{Connector: "c", Topic: "stock"}, 1); err != nil {
		a.t.Error(err)
	}
	a.s3 = was
}

// useGlue makes a database and a crawler, runs and follows it, and checks.
func (a *amazon) useGlue(config aws.Config) {
	a.t.Helper()
	name := fmt.Sprintf("rights-%x", time.Now().UnixNano())
	h, err := glue.New(glue.Config{Config: config, Crawler: name, Wait: true, Poll: 20 * time.Millisecond,
		Create: &glue.Create{Database: strings.ReplaceAll(name, "-", "_"), Role: "crawls", Paths: []string{"s3://lake/x/"}, Recrawl: "everything"}})
	if err == nil {
		err = h.Flushed(a.t.Context(), hook.Event{Connector: "c", Recovered: true, Time: time.Now()})
	}
	if err == nil {
		err = h.(sink.Checked).Check(a.t.Context())
	}
	if err != nil {
		a.t.Error(err)
	}
	loaded, err := aws.Load(a.t.Context(), config)
	if err == nil {
		_, err = sdk.NewFromConfig(loaded).DeleteCrawler(a.t.Context(), &sdk.DeleteCrawlerInput{Name: &name})
		delete(a.rights, "glue:DeleteCrawler") // which is the test's own
	}
	if err != nil {
		a.t.Error(err)
	}
}

// useAthena runs a query to its end, has another cancelled, and checks.
func (a *amazon) useAthena(config aws.Config) {
	a.t.Helper()
	if code, _, errOut := asked(a.t, config.Endpoint, "SELECT 1"); code != 0 {
		a.t.Error(errOut)
	}
	away := player(a.t)
	away.refuse = map[string]string{"GetQueryExecution": "AccessDeniedException no"} // then it is cancelled
	a.athena = away
	if code, _, _ := asked(a.t, config.Endpoint, "SELECT 1"); code == 0 {
		a.t.Error("a query that could not be followed went well")
	}
	for _, q := range (athenaBlock{Config: config, Workgroup: "primary", Database: "default"}).questions() {
		_, _ = q.ask(a.t.Context()) // the player knows no answer
	}
}

// assume is what is asked for where a role is to be assumed.
func (a *amazon) assume(endpoint string) {
	a.t.Helper()
	a.t.Setenv("AWS_ENDPOINT_URL_STS", endpoint)
	loaded, err := aws.Load(context.Background(), aws.Config{Region: "us-east-1", RoleARN: "arn:aws:iam::123456789012:role/penstock"})
	if err != nil {
		a.t.Fatal(err)
	}
	if got, err := loaded.Credentials.Retrieve(a.t.Context()); err != nil || sdkaws.ToString(&got.SessionToken) == "" {
		a.t.Errorf("%v", err)
	}
}
