package s3

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock/penstock/aws"
)

// seen answers whatever it is asked, and remembers it.
func seen(t *testing.T) (*faulty, string) {
	f := &faulty{faults: map[string][]fault{}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"1"`)
		switch kind(r) {
		case "create":
			_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
		case "complete":
			_, _ = io.WriteString(w, "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>")
		}
	})}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, server.URL
}

// made creates an object by one request, and one in parts.
func made(t *testing.T, c Config) {
	t.Helper()
	s := newStore(c)
	must(t, s.Open(t.Context()))
	t.Cleanup(s.Idle)
	must(t, s.put(t.Context(), "a/b+c", map[string]string{"penstock-x": "1"}, probe("x")))
	must(t, s.upload(t.Context(), "a/b+c", map[string]string{"penstock-x": "1"}, probe("x")))
}

func TestOptionsInRequests(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Object
		want map[string]string
	}{
		{"none", Object{}, nil},
		{"SSE-S3", Object{SSE: "AES256"}, map[string]string{"X-Amz-Server-Side-Encryption": "AES256"}},
		{"SSE-KMS", Object{SSE: "aws:kms"}, map[string]string{"X-Amz-Server-Side-Encryption": "aws:kms"}},
		{"SSE-KMS with a key", Object{SSE: "aws:kms", KMSKey: "alias/lake"}, map[string]string{
			"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "alias/lake"}},
		{"DSSE-KMS", Object{SSE: "aws:kms:dsse", KMSKey: "k"}, map[string]string{
			"X-Amz-Server-Side-Encryption": "aws:kms:dsse", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "k"}},
		{"storage class", Object{StorageClass: "STANDARD_IA"}, map[string]string{"X-Amz-Storage-Class": "STANDARD_IA"}},
		{"ACL", Object{ACL: "bucket-owner-full-control"}, map[string]string{"X-Amz-Acl": "bucket-owner-full-control"}},
		{"tags", Object{Tags: map[string]string{"team": "a&b", "cost centre": "7/ü"}}, map[string]string{
			"X-Amz-Tagging": "cost+centre=7%2F%C3%BC&team=a%26b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			credentials(t, "key", "secret")
			f, url := seen(t)
			made(t, Config{AWS: aws.Config{Endpoint: url, PathStyle: true}, Bucket: "lake", Object: c.o})
			want := map[string]string{"X-Amz-Meta-Penstock-X": "1", "X-Amz-Server-Side-Encryption": "",
				"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "", "X-Amz-Storage-Class": "", "X-Amz-Acl": "", "X-Amz-Tagging": ""}
			for k, v := range c.want {
				want[k] = v
			}
			headers(t, f.of("put")[0], want)
			headers(t, f.of("create")[0], want)
			if path := f.of("complete")[0].URL.EscapedPath(); path != "/lake/a/b%2Bc" {
				t.Errorf("path %s", path)
			}
		})
	}
}

func TestHeadFirst(t *testing.T) {
	f, a := faults(t)
	place := bucket(t, a, "lake")
	for _, single := range []int64{0, 1000} {
		f.requests = nil
		s := newStore(Config{AWS: a, Bucket: "lake", HeadFirst: true})
		s.single = single
		must(t, s.Open(t.Context()))
		must(t, s.Create(t.Context(), "x", nil, probe("first")))
		if err := s.Create(t.Context(), "x", nil, probe("second")); err == nil || !strings.Contains(err.Error(), "it stands already") {
			t.Errorf("error %v", err)
		}
		if got := string(place.all(t)["x"]); got != "first" {
			t.Errorf("x holds %q", got)
		}
		if n := len(f.of("head")); n != 2 {
			t.Errorf("%d times asked", n)
		}
		for _, r := range append(f.of("put"), f.of("complete")...) {
			headers(t, r, map[string]string{"If-None-Match": ""})
		}
		f.next("head", answer(400, "BadRequest"))
		if err := s.Create(t.Context(), "y", nil, probe("")); err == nil || !strings.Contains(err.Error(), "head s3://lake/y") {
			t.Errorf("error %v", err)
		}
		_, err := place.client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &place.bucket, Key: optional("x")})
		must(t, err)
		s.Idle()
	}
}

func TestBucketInTheHostName(t *testing.T) {
	credentials(t, "key", "secret")
	f, url := seen(t)
	s := newStore(Config{AWS: aws.Config{Endpoint: "http://s3.example.test"}, Bucket: "lake"})
	must(t, s.Open(t.Context()))
	dial := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	}}
	defer dial.CloseIdleConnections()
	o := s.client.Options()
	o.HTTPClient = &http.Client{Transport: dial}
	s.client = s3.New(o)
	must(t, s.put(t.Context(), "a", nil, probe("x")))
	if r := f.of("bucket")[0]; r.Host != "lake.s3.example.test" || r.URL.Path != "/a" {
		t.Errorf("asked %s for %s", r.Host, r.URL.Path)
	}
}

// TestProfile: region and keys come from the shared files, but for what the file says.
func TestProfile(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "config"), []byte("[profile lake]\nregion = eu-west-3\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "keys"), []byte("[lake]\naws_access_key_id = LAKEKEY\naws_secret_access_key = s\n"), 0o600))
	for region, want := range map[string]string{"": "eu-west-3", "eu-west-1": "eu-west-1"} {
		credentials(t, "", "")
		t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "keys"))
		f, url := seen(t)
		made(t, Config{AWS: aws.Config{Endpoint: url, PathStyle: true, Profile: "lake", Region: region}, Bucket: "lake"})
		if got := f.of("put")[0].Header.Get("Authorization"); !strings.Contains(got, "Credential=LAKEKEY/") || !strings.Contains(got, "/"+want+"/s3/") {
			t.Errorf("authorization %q, want region %s", got, want)
		}
	}
}

// TestRole: the role's keys sign what is asked of S3, and are asked of STS, which is not at the endpoint of S3.
func TestRole(t *testing.T) {
	credentials(t, "key", "secret")
	var asked string
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = string(body)
		_, _ = io.WriteString(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLEKEY</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
			`<SessionToken>token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	}))
	defer sts.Close()
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	f, url := seen(t)
	made(t, Config{AWS: aws.Config{Endpoint: url, PathStyle: true, RoleARN: "arn:aws:iam::1:role/lake"}, Bucket: "lake"})
	if !strings.Contains(asked, "Action=AssumeRole") || !strings.Contains(asked, "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Flake") {
		t.Errorf("asked STS for %s", asked)
	}
	for _, k := range []string{"put", "create", "part", "complete"} {
		r := f.of(k)[0]
		if got := r.Header.Get("Authorization"); !strings.Contains(got, "Credential=ROLEKEY/") {
			t.Errorf("%s: authorization %q", k, got)
		}
		headers(t, r, map[string]string{"X-Amz-Security-Token": "token"})
	}
}
