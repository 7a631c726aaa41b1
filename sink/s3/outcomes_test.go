package s3

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
	"github.com/penstock/penstock/sink/files"
	"github.com/penstock/penstock/sink/sinktest"
)

func flushOf(t *testing.T, a aws.Config) sink.Flush {
	t.Helper()
	return flushInto(t, newSink(t, a, "lake"))
}

// flushInto is an interval of three rows, in a file each.
func flushInto(t *testing.T, s sink.Sink) sink.Flush {
	t.Helper()
	return flushOfClaim(t, s, sinktest.Claim(0, 0))
}

func flushOfClaim(t *testing.T, s sink.Sink, c sink.Claim) sink.Flush {
	t.Helper()
	w, err := s.Open(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { must(t, w.(io.Closer).Close()) })
	b := record.Batch{Topic: "stock"}
	for i, k := range []string{"a", "b", "c"} {
		b.Records = append(b.Records, record.Record{Offset: int64(i), Key: []byte(k), Value: []byte(k)})
	}
	must(t, w.Write(t.Context(), &b))
	f, err := w.Cut(3)
	must(t, err)
	return f
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(http.ResponseWriter, *http.Request, http.Handler)
		err   string // of the first Commit; the second must succeed
	}{
		{"409", answer(409, "ConditionalRequestConflict"), "ConditionalRequestConflict"},
		{"412 and nothing there", answer(412, "PreconditionFailed"), "PreconditionFailed"},
		{"503", answer(503, "SlowDown"), ""},
		{"500", answer(500, "InternalError"), ""},
		{"the answer is lost", lost, ""},
		{"stored, and 500", liar, ""},
		{"200 with an error in its body", answer(200, "InternalError"), ""},
		{"200 that is none of S3's", func(http.ResponseWriter, *http.Request, http.Handler) {}, "without an ETag"},
	} {
		for nth, which := range []string{"anchor", "other"} {
			t.Run(c.name+"/"+which, func(t *testing.T) {
				f, a := faults(t)
				place := bucket(t, a, "lake")
				flush := flushOf(t, a)
				if nth == 1 {
					f.next("put", pass)
				}
				f.next("put", c.fault)
				made, err := flush.Commit(t.Context())
				if c.err != "" {
					if err == nil || !strings.Contains(err.Error(), c.err) {
						t.Fatalf("error %v, want one that says %q", err, c.err)
					}
					made, err = flush.Commit(t.Context())
				}
				must(t, err)
				whole(t, made, place.all(t))
			})
		}
	}
}

// whole fails unless a, b and c stand, each in a file that was reported.
func whole(t *testing.T, made []sink.File, there map[string][]byte) {
	t.Helper()
	var rows []string
	for _, f := range made {
		rows = append(rows, string(there[f.Name]))
	}
	if slices.Sort(rows); !slices.Equal(rows, []string{"a\n", "b\n", "c\n"}) || len(there) != 3 {
		t.Errorf("files hold %q, and there are %v", rows, slices.Collect(maps.Keys(there)))
	}
}

// TestAnotherChecksum: an object that holds other bytes than were sent says that it is ours all the same, and is not taken for it. A part
// of one is sent again.
func TestAnotherChecksum(t *testing.T) {
	says := func(name string) fault {
		return func(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
			answer := httptest.NewRecorder()
			s3.ServeHTTP(answer, r)
			maps.Copy(w.Header(), answer.Header())
			body := answer.Body.String()
			if w.Header().Set(name, "AAAAAA=="); name == "" {
				w.Header().Del("Content-Length")
				body = strings.Replace(body, "</CompleteMultipartUploadResult>", "<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></CompleteMultipartUploadResult>", 1)
			}
			_, _ = io.WriteString(w, body)
		}
	}
	for kind, fault := range map[string]fault{"put": says("x-amz-checksum-crc32c"), "complete": says(""), "part": says("x-amz-checksum-crc32c")} {
		f, a := faults(t)
		place := bucket(t, a, "lake")
		flush := flushOf(t, a)
		if kind != "put" {
			flush = largeFlush(t, newSink(t, a, "lake"), 33)
		}
		f.next(kind, fault)
		_, err := flush.Commit(t.Context())
		var broken *sink.Broken
		if kind == "part" {
			if err == nil || errors.As(err, &broken) || !strings.Contains(err.Error(), "another checksum than was sent") {
				t.Errorf("a part: %v", err)
			}
			if made, err := flush.Commit(t.Context()); err != nil || len(place.all(t)) != 1 || len(made) != 1 {
				t.Errorf("a part, again: %v", err)
			}
			continue
		}
		if !errors.As(err, &broken) || !strings.Contains(err.Error(), "it does not hold what was sent: the service reports another checksum than was sent; remove it: it is made again") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestDamageIsMetByTheNextOwner too: what stands by its metadata is refused where it is of another size or sum, until somebody has
// removed it.
func TestDamageIsMetByTheNextOwner(t *testing.T) {
	a := minIO(t)
	for open, of := range map[string]func(*testing.T, aws.Config, string) sink.Sink{"whole": newSink, "parts": inParts} {
		for damage, content := range map[string]string{"other bytes": "x\n", "cut short": "a"} {
			t.Run(open+", "+damage, func(t *testing.T) {
				place := bucket(t, a, fmt.Sprintf("damage-%x", time.Now().UnixNano()))
				s := of(t, a, place.bucket)
				made, err := flushInto(t, s).Commit(t.Context())
				must(t, err)
				redo := func() error {
					c := sinktest.Claim(0, 0)
					c.Until = 3
					again, err := flushOfClaim(t, s, c).Commit(t.Context())
					if err == nil && !slices.Equal(again, made) {
						t.Errorf("%+v, then %+v", made, again)
					}
					return err
				}
				must(t, redo())
				name := made[1].Name
				meta, _, err := place.Stat(t.Context(), name)
				must(t, err)
				if delete(meta, files.StoredSum); len(meta) == 0 {
					t.Fatal("it has no metadata")
				}
				_, err = place.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &place.bucket, Key: &name, Metadata: meta,
					Body: strings.NewReader(content), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c})
				must(t, err)
				for range 2 {
					var broken *sink.Broken
					if err := redo(); !errors.As(err, &broken) || broken.Name != name || !strings.Contains(err.Error(), "; remove it: it is made again") {
						t.Errorf("error %v", err)
					}
				}
				_, err = place.client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &place.bucket, Key: &name})
				must(t, err)
				must(t, redo())
				whole(t, made, place.all(t))
			})
		}
	}
}

// TestOtherSumsSayNothing: that of the parts' sums, one that the bytes do not bear out, and none where the bucket's key is not ours to use.
func TestOtherSumsSayNothing(t *testing.T) {
	for name, fault := range map[string]fault{
		"composite": func(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
			w.Header().Set("x-amz-checksum-crc32c", "AAAAAA==-1")
			w.Header().Set("x-amz-checksum-type", "COMPOSITE")
			s3.ServeHTTP(w, r)
		},
		"wrong": func(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
			w.Header().Set("x-amz-checksum-crc32c", "AAAAAA==")
			w.Header().Set("x-amz-checksum-type", "FULL_OBJECT")
			s3.ServeHTTP(w, r)
		},
		"nothing said of its kind": func(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
			w.Header().Set("x-amz-checksum-crc32c", "AAAAAA==")
			s3.ServeHTTP(w, r)
		},
		"refused": func(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
			if r.Header.Get("x-amz-checksum-mode") != "" {
				w.WriteHeader(403)
				return
			}
			s3.ServeHTTP(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, a := faults(t)
			place := bucket(t, a, "lake")
			made, err := flushOf(t, a).Commit(t.Context())
			must(t, err)
			f.next("head", fault, fault, fault)
			_, err = flushOf(t, a).Commit(t.Context())
			must(t, err)
			whole(t, made, place.all(t))
		})
	}
}

func TestOutageEndsInAnErrorAndTheNextCommitMends(t *testing.T) {
	f, a := faults(t)
	place := bucket(t, a, "lake")
	flush := flushOf(t, a)
	f.next("put", answer(503, "SlowDown"), answer(503, "SlowDown"), answer(503, "SlowDown"))
	if _, err := flush.Commit(t.Context()); code(err) != "SlowDown" || !strings.Contains(err.Error(), "s3://lake/lake/stock/key=a/stock+0+") {
		t.Errorf("error %v", err)
	}
	made, err := flush.Commit(t.Context())
	must(t, err)
	whole(t, made, place.all(t))
}

func TestRequest(t *testing.T) {
	f, a := faults(t)
	bucket(t, a, "lake")
	_, err := flushOf(t, a).Commit(t.Context())
	must(t, err)
	h := f.of("put")[0].Header
	for k, want := range map[string]string{
		"If-None-Match":                 "*",
		"X-Amz-Checksum-Crc32c":         "Cb3imw==",
		"X-Amz-Content-Sha256":          "UNSIGNED-PAYLOAD",
		"X-Amz-Sdk-Checksum-Algorithm":  "",
		"X-Amz-Trailer":                 "",
		"Content-Length":                "2",
		"X-Amz-Meta-Penstock-Connector": "stock%20lake",
		"X-Amz-Meta-Penstock-From":      "0",
		"X-Amz-Meta-Penstock-Until":     "3",
		"X-Amz-Meta-Penstock-Rows":      "1",
	} {
		if got := h.Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
}

func TestErrorsNameTheRemedy(t *testing.T) {
	credentials(t, "key", "secret")
	for _, c := range []struct {
		status int
		code   string
		want   string
	}{
		{404, "NoSuchBucket", "make the bucket"},
		{403, "AccessDenied", "allow s3:PutObject"},
		{403, "InvalidAccessKeyId", "correct the credentials"},
		{403, "RequestTimeTooSkewed", "set the clock"},
		{301, "PermanentRedirect", "set region"},
		{400, "AuthorizationHeaderMalformed", "set region"},
		{501, "NotImplemented", "knows If-None-Match, or set head_first: true"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer(c.status, c.code)(w, r, nil)
		}))
		a := aws.Config{Endpoint: server.URL, PathStyle: true, Region: "eu-west-1"}
		_, err := flushOf(t, a).Commit(t.Context())
		server.Close()
		for _, want := range []string{"s3: put s3://lake/lake/stock/key=a/stock+0+00000000000000000000.txt", c.want, c.code} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%d %s: error %v, want one that says %q", c.status, c.code, err, want)
			}
		}
	}
}

func TestStoreList(t *testing.T) {
	_, a := faults(t)
	s := bucket(t, a, "lake")
	for _, name := range []string{"a/x+1", "a/x+2", "a/x+2/deep", "a/x+3", "a/y", "b/x+4"} {
		must(t, s.Create(t.Context(), name, nil, probe("")))
	}
	var got []string
	for name, err := range s.List(t.Context(), "a/x+", "a/x+1") {
		must(t, err)
		got = append(got, name)
	}
	if !slices.Equal(got, []string{"a/x+2", "a/x+3"}) {
		t.Errorf("names %q", got)
	}
	if err := s.Create(t.Context(), "a/y", nil, probe("")); !errors.Is(err, files.ErrExists) {
		t.Errorf("error %v, want ErrExists", err)
	}
}

// halfway breaks the line within an answer.
func halfway(w http.ResponseWriter, r *http.Request, s3 http.Handler) {
	whole := httptest.NewRecorder()
	s3.ServeHTTP(whole, r)
	maps.Copy(w.Header(), whole.Header())
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	panic(http.ErrAbortHandler)
}

// An object is read in pieces, each again from where the line broke, and what cannot be had is an error.
func TestStoreRead(t *testing.T) {
	f, a := faults(t)
	s := bucket(t, a, "lake")
	large := probe(strings.Repeat("0123456789abcdef", (files.Piece+1000)/16))
	for name, body := range map[string]probe{"a/b/large": large, "a/small": "few", "a/empty": ""} {
		must(t, s.put(t.Context(), name, nil, body))
	}
	read := func(name string, size int64) (string, error) {
		in, err := s.Read(t.Context(), name, size)
		must(t, err)
		defer in.Close()
		got, err := io.ReadAll(in)
		return string(got), err
	}
	var names []string
	for name, err := range s.Walk(t.Context(), "a/") {
		must(t, err)
		names = append(names, name)
	}
	if !slices.Equal(names, []string{"a/b/large", "a/empty", "a/small"}) {
		t.Errorf("names %q", names)
	}
	f.next("get", halfway, halfway)
	if got, err := read("a/b/large", large.Size()); err != nil || got != string(large) || len(f.of("get")) != 3 {
		t.Errorf("%d bytes, %v, in %d requests", len(got), err, len(f.of("get")))
	}
	for name, want := range map[string]string{"a/small": "few", "a/empty": ""} {
		if got, err := read(name, int64(len(want))); err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	f.next("get", answer(403, "AccessDenied"))
	if _, err := read("a/small", 3); err == nil || !strings.Contains(err.Error(), "allow s3:GetObject on the objects") {
		t.Errorf("error %v", err)
	}
	if _, err := read("a/none", 3); err == nil {
		t.Error("an object that is not there is read")
	}
}

func TestAnAttemptWithoutProgressEnds(t *testing.T) {
	stuck := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	defer server.Close()
	defer close(stuck)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	must(t, err)
	_, err = bounded{http.DefaultClient, 50 * time.Millisecond}.Do(r)
	if err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("error %v", err)
	}
}
