package dev

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/johannesboyne/gofakes3"
)

// store keeps objects as plain files, root/<bucket>/<key>, and what S3 knows of them beside the bytes in root/.meta. An object
// appears whole or not at all, also where the process is killed. A key cannot be a folder of another.
type store struct {
	root string
	mu   sync.Mutex // held while files appear and go
}

func newStore(root string) (*store, error) {
	return &store{root: root}, errors.Join(os.MkdirAll(filepath.Join(root, ".meta"), 0o755), os.RemoveAll(filepath.Join(root, ".new")),
		os.MkdirAll(filepath.Join(root, ".new"), 0o755))
}

// guard keeps CompleteMultipartUpload from overwriting where it must not: gofakes3 does not look at its conditions.
func (s *store) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") && r.Header.Get("If-None-Match") == "*" {
			if _, err := os.Stat(s.object(bucket, key)); err == nil {
				w.WriteHeader(http.StatusPreconditionFailed)
				io.WriteString(w, "<Error><Code>PreconditionFailed</Code><Message>The object already exists</Message></Error>")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

var errKey = gofakes3.ErrorMessage(gofakes3.ErrInvalidArgument,
	"the embedded S3 keeps objects as files: no key may hold .. or // or end in /, or be a folder of another")

// fits tells whether a key can be a file's path below its bucket's folder.
func fits(key string) bool { return filepath.IsLocal(key) && path.Clean(key) == key }

// object is the file of a key; one that is never there where the key does not fit.
func (s *store) object(bucket, key string) string {
	if !fits(key) {
		return filepath.Join(s.root, ".none", "none")
	}
	return filepath.Join(s.root, bucket, filepath.FromSlash(key))
}

func (s *store) BucketExists(name string) (bool, error) {
	if gofakes3.ValidateBucketName(name) != nil {
		return false, nil
	}
	st, err := os.Stat(filepath.Join(s.root, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && st.IsDir(), err
}

func (s *store) CreateBucket(name string) error {
	err := os.Mkdir(filepath.Join(s.root, name), 0o755)
	if errors.Is(err, fs.ErrExist) {
		return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
	}
	return err
}

func (s *store) ListBuckets() ([]gofakes3.BucketInfo, error) {
	var list []gofakes3.BucketInfo
	entries, err := os.ReadDir(s.root)
	for _, e := range entries {
		if st, err := e.Info(); err == nil && e.IsDir() && gofakes3.ValidateBucketName(e.Name()) == nil {
			list = append(list, gofakes3.BucketInfo{Name: e.Name(), CreationDate: gofakes3.NewContentTime(st.ModTime())})
		}
	}
	return list, err
}

func (s *store) DeleteBucket(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Remove(filepath.Join(s.root, name)); err != nil {
		return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, name)
	}
	return nil
}

func (s *store) ForceDeleteBucket(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(os.RemoveAll(filepath.Join(s.root, name)), os.RemoveAll(filepath.Join(s.root, ".meta", name)))
}

// PutObject takes the bytes in beside the bucket and then puts them in place.
func (s *store) PutObject(bucket, key string, header map[string]string, in io.Reader, size int64, c *gofakes3.PutConditions) (r gofakes3.PutObjectResult, err error) {
	if !fits(key) {
		return r, errKey
	}
	f, err := os.CreateTemp(filepath.Join(s.root, ".new"), "")
	if err != nil {
		return r, err
	}
	defer os.Remove(f.Name())
	hash := md5.New()
	n, err := io.Copy(io.MultiWriter(f, hash), in)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil && n != size {
		err = gofakes3.ErrIncompleteBody
	}
	if err != nil {
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(bucket, key, c); err != nil {
		return r, err
	}
	object := s.object(bucket, key)
	if st, err := os.Stat(object); err == nil && st.IsDir() || os.MkdirAll(filepath.Dir(object), 0o755) != nil {
		return r, errKey
	}
	if err := s.saveMeta(bucket, meta{Key: key, Size: size, MD5: hash.Sum(nil), Header: header}); err != nil {
		return r, err
	}
	return r, os.Rename(f.Name(), object)
}

func (s *store) check(bucket, key string, c *gofakes3.PutConditions) error {
	if c == nil {
		return nil
	}
	m, err := s.loadMeta(bucket, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return gofakes3.CheckPutConditions(c, &gofakes3.ConditionalObjectInfo{Exists: err == nil, Hash: m.MD5})
}

func (s *store) CopyObject(srcBucket, srcKey, bucket, key string, header map[string]string) (gofakes3.CopyObjectResult, error) {
	return gofakes3.CopyObject(s, srcBucket, srcKey, bucket, key, header)
}

// DeleteObject removes the object and the folders that held nothing else; one that is not there is no error.
func (s *store) DeleteObject(bucket, key string) (r gofakes3.ObjectDeleteResult, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object := s.object(bucket, key)
	if err := os.Remove(object); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return r, err
	}
	for dir := filepath.Dir(object); dir != filepath.Join(s.root, bucket) && os.Remove(dir) == nil; {
		dir = filepath.Dir(dir)
	}
	return r, os.Remove(s.metaPath(bucket, key))
}

func (s *store) DeleteMulti(bucket string, keys ...string) (r gofakes3.MultiDeleteResult, err error) {
	for _, key := range keys {
		if _, err := s.DeleteObject(bucket, key); err != nil {
			r.Error = append(r.Error, gofakes3.ErrorResult{Key: key, Code: gofakes3.ErrInternal, Message: err.Error()})
			continue
		}
		r.Deleted = append(r.Deleted, gofakes3.ObjectID{Key: key})
	}
	return r, nil
}

func etag(sum []byte) string { return `"` + hex.EncodeToString(sum) + `"` }
