package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/penstock/penstock/parts"
	"golang.org/x/sync/errgroup"
)

// bucket is a bucket as its owner sees it, past any proxy.
type bucket struct {
	t    testing.TB
	name string
	s3   *s3.Client
}

func newBucket(t testing.TB, access parts.S3Access, name string) *bucket {
	t.Helper()
	client := newS3(t, access)
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return &bucket{t, name, client}
}

func newS3(t testing.TB, access parts.S3Access) *s3.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	return s3.New(s3.Options{
		HTTPClient: &http.Client{Transport: transport},
		Region:     access.Region, BaseEndpoint: &access.Endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(access.AccessKey, access.SecretKey, ""),
	})
}

// object is one file of a sink, as it says itself.
type object struct {
	key         string
	from, until int64
	meta        map[string]string
	body        []byte

	// What tables found in it.
	columns     []string
	compression string
	read        []map[string]any
}

// partition and first are read from the name.
func (o object) partition() int32 { p, _ := o.place(); return p }
func (o object) first() int64     { _, f := o.place(); return f }

func (o object) place() (partition int32, first int64) {
	fields := strings.Split(filepath.Base(o.key), "+")
	if len(fields) < 3 {
		return -1, -1
	}
	p, _ := strconv.Atoi(fields[1])
	digits, _, _ := strings.Cut(fields[2], ".")
	first, _ = strconv.ParseInt(digits, 10, 64)
	return int32(p), first
}

func (o object) String() string { return fmt.Sprintf("%s [%d,%d)", o.key, o.from, o.until) }

// ids are the id members of the object's rows.
func (o object) ids(t testing.TB) []int { t.Helper(); return ids(t, o.key, o.table()) }

func ids(t testing.TB, name string, rows []map[string]any) (ids []int) {
	t.Helper()
	for _, row := range rows {
		id, err := strconv.ParseFloat(fmt.Sprint(row["id"]), 64)
		if err != nil {
			t.Fatalf("%s: %v: %v", name, row, err)
		}
		ids = append(ids, int(id))
	}
	return ids
}

// table is the object's rows, which are JSON lines unless somebody has read them. What is no JSON is an empty row.
func (o object) table() (rows []map[string]any) {
	if o.read != nil {
		return o.read
	}
	for line := range bytes.Lines(o.body) {
		var r map[string]any
		_ = json.Unmarshal(line, &r)
		rows = append(rows, r)
	}
	return rows
}

// list gives the keys below prefix, in order.
func (b *bucket) list(prefix string) (keys []string) {
	b.t.Helper()
	pages := s3.NewListObjectsV2Paginator(b.s3, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	return keys
}

// objects reads all objects below prefix, in the order of their keys.
func (b *bucket) objects(prefix string) []object {
	b.t.Helper()
	keys := b.list(prefix)
	out := make([]object, len(keys))
	var group errgroup.Group
	group.SetLimit(16)
	for i, key := range keys {
		group.Go(func() (err error) {
			out[i], err = b.get(key)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.t.Fatal(err)
	}
	return out
}

// download is objects below prefix, each of them in a file of its key below dir.
func (b *bucket) download(dir, prefix string) []object {
	b.t.Helper()
	all := b.objects(prefix)
	for _, o := range all {
		path := filepath.Join(dir, o.key)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(path, o.body, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	return all
}

// tables reads the rows of all objects, of whichever format, with pyarrow.
func (b *bucket) tables() []object { b.t.Helper(); return b.tablesBelow("") }

// tablesBelow reads those of the objects below prefix.
func (b *bucket) tablesBelow(prefix string) []object {
	b.t.Helper()
	dir := b.t.TempDir()
	all := b.download(dir, prefix)
	out, err := exec.Command(parts.Python(b.t), "tables.py", dir).CombinedOutput()
	read := map[string]struct {
		Columns     []string
		Compression string
		Rows        []map[string]any
	}{}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(out))
		d.UseNumber()
		err = d.Decode(&read)
	}
	if err != nil {
		b.t.Fatalf("tables: %v\n%s", err, out)
	}
	for i := range all {
		r := read[all[i].key]
		all[i].columns, all[i].compression, all[i].read = r.Columns, r.Compression, r.Rows
	}
	return all
}

func (b *bucket) get(key string) (object, error) {
	got, err := b.s3.GetObject(b.t.Context(), &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return object{}, err
	}
	defer got.Body.Close()
	o := object{key: key, meta: got.Metadata}
	o.from, _ = strconv.ParseInt(got.Metadata["penstock-from"], 10, 64)
	o.until, _ = strconv.ParseInt(got.Metadata["penstock-until"], 10, 64)
	o.body, err = io.ReadAll(got.Body)
	return o, err
}

// put makes an object that penstock did not.
func (b *bucket) put(key, body string, meta map[string]string) {
	b.t.Helper()
	_, err := b.s3.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: aws.String(key), Body: strings.NewReader(body), Metadata: meta})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bucket) remove(key string) {
	b.t.Helper()
	if _, err := b.s3.DeleteObject(b.t.Context(), &s3.DeleteObjectInput{Bucket: &b.name, Key: &key}); err != nil {
		b.t.Fatal(err)
	}
}
