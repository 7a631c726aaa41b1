package s3

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/sink"
)

func checked(t *testing.T, c Config) error {
	t.Helper()
	c.Bucket, c.Prefix, c.Files = "lake", "raw", fileConfig(t)
	s, err := New(c)
	must(t, err)
	return s.(sink.Checked).Check(t.Context())
}

// deaf does not hear If-None-Match of a kind of request.
func deaf(f *faulty, of string) {
	s3 := f.Handler
	f.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kind(r) == of {
			r.Header.Del("If-None-Match")
		}
		s3.ServeHTTP(w, r)
	})
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(f *faulty)
		config Config
		want   string
	}{
		{"all is well", func(*faulty) {}, Config{}, ""},
		{"may not delete", func(f *faulty) { f.next("delete", answer(403, "AccessDenied")) }, Config{}, ""},
		{"may not list", func(f *faulty) { f.next("list", answer(403, "AccessDenied")) }, Config{}, "allow s3:ListBucket on the bucket"},
		{"may not put", func(f *faulty) { f.next("put", answer(403, "AccessDenied")) }, Config{}, "s3: put s3://lake/raw/_penstock_check: "},
		{"may not tag", func(f *faulty) { f.next("put", answer(403, "AccessDenied")) }, Config{Object: Object{Tags: map[string]string{"a": "b"}}},
			"allow s3:PutObject on the objects, s3:PutObjectTagging for tags"},
		{"may not encrypt", func(f *faulty) { f.next("put", answer(403, "AccessDenied")) }, Config{Object: Object{SSE: "aws:kms", ACL: "private"}},
			"s3:PutObjectAcl for acl, kms:GenerateDataKey and kms:Decrypt on the key for sse"},
		{"no ACLs", func(f *faulty) { f.next("put", answer(400, "AccessControlListNotSupported")) }, Config{}, "leave out acl"},
		{"may not head", func(f *faulty) { f.next("head", answer(403, ""), answer(403, "")) }, Config{}, "allow s3:GetObject on the objects, and s3:ListBucket"},
		{"put replaces", func(f *faulty) { deaf(f, "put") }, Config{}, "in spite of If-None-Match; set head_first: true"},
		{"an upload replaces", func(f *faulty) { deaf(f, "complete") }, Config{}, "in spite of If-None-Match; set head_first: true"},
		{"both replace", func(f *faulty) { deaf(f, "put"); deaf(f, "complete") }, Config{HeadFirst: true}, ""},
		{"knows no conditions", func(f *faulty) { f.next("put", answer(501, "NotImplemented")) }, Config{}, "or set head_first: true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, a := faults(t)
			place := bucket(t, a, "lake")
			c.spoil(f)
			c.config.AWS = a
			err := checked(t, c.config)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if n := len(place.all(t)); n > 0 && c.name != "may not delete" {
				t.Errorf("%d objects are left", n)
			}
			if err := checked(t, Config{AWS: a, HeadFirst: c.config.HeadFirst}); c.name == "may not delete" && err != nil {
				t.Errorf("the next check: %v", err)
			}
			if n := place.uploads(t); n > 0 {
				t.Errorf("%d uploads are left", n)
			}
		})
	}
}

func TestCheckOfNoBucket(t *testing.T) {
	_, a := faults(t)
	if err := checked(t, Config{AWS: a}); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") || !strings.Contains(err.Error(), "make the bucket") {
		t.Errorf("error %v", err)
	}
}

func TestCheckOfRealParts(t *testing.T) {
	for name, a := range map[string]func(*testing.T) aws.Config{"MinIO": minIO, "moto": moto} {
		t.Run(name, func(t *testing.T) {
			s := bucket(t, a(t), fmt.Sprintf("check-%x", time.Now().UnixNano()))
			must(t, s.Check(t.Context(), "raw/"))
			if n := len(s.all(t)); n > 0 {
				t.Errorf("%d objects are left", n)
			}
		})
	}
}
