package dev

import (
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/johannesboyne/gofakes3"
)

// meta is what stands beside an object's bytes.
type meta struct {
	Key    string            `json:"key"`
	Size   int64             `json:"size"`
	MD5    []byte            `json:"md5"`
	Header map[string]string `json:"header"` // x-amz-meta-* and Content-Type
}

func (s *store) metaPath(bucket, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.root, ".meta", bucket, hex.EncodeToString(sum[:16])+".json")
}

func (s *store) saveMeta(bucket string, m meta) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	path := s.metaPath(bucket, m.Key)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path+".new", text, 0o644)); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// loadMeta describes an object, also one that was put into the folder by hand; fs.ErrNotExist where there is none.
func (s *store) loadMeta(bucket, key string) (m meta, err error) {
	st, err := os.Stat(s.object(bucket, key))
	if errors.Is(err, syscall.ENOTDIR) || err == nil && st.IsDir() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return m, err
	}
	text, err := os.ReadFile(s.metaPath(bucket, key))
	if err == nil && json.Unmarshal(text, &m) == nil && m.Size == st.Size() {
		return m, nil
	}
	f, err := os.Open(s.object(bucket, key))
	if err != nil {
		return m, err
	}
	defer f.Close()
	hash := md5.New()
	n, err := io.Copy(hash, f)
	return meta{Key: key, Size: n, MD5: hash.Sum(nil)}, err
}

// HeadObject gives no Contents to read.
func (s *store) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	o, err := s.GetObject(bucket, key, nil)
	if err == nil {
		err = o.Contents.Close()
		o.Contents = io.NopCloser(strings.NewReader(""))
	}
	return o, err
}

// GetObject gives a range's Contents, or all; the caller closes them.
func (s *store) GetObject(bucket, key string, asked *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.loadMeta(bucket, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, gofakes3.KeyNotFound(key)
	}
	if err != nil {
		return nil, err
	}
	part, err := asked.Range(m.Size)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(s.object(bucket, key))
	if err != nil {
		return nil, err
	}
	o := &gofakes3.Object{Name: key, Metadata: m.Header, Size: m.Size, Hash: m.MD5, Range: part, Contents: f}
	if part != nil {
		o.Contents = &section{io.NewSectionReader(f, part.Start, part.Length), f}
	}
	return o, nil
}

type section struct {
	io.Reader
	io.Closer
}

// ListBucket lists keys in the order of their bytes, a page at a time.
func (s *store) ListBucket(bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, err := s.keys(bucket, prefix.Prefix)
	if err != nil {
		return nil, err
	}
	list, left := gofakes3.NewObjectList(), cmp.Or(page.MaxKeys, 1000)
	last := ""
	for _, key := range keys {
		folder := ""
		if i := strings.Index(key[len(prefix.Prefix):], prefix.Delimiter); prefix.HasDelimiter && i >= 0 {
			folder = key[:len(prefix.Prefix)+i+len(prefix.Delimiter)]
		}
		name := cmp.Or(folder, key)
		if page.HasMarker && name <= page.Marker || name == last {
			continue
		}
		if left--; left < 0 {
			list.IsTruncated, list.NextMarker = true, last
			break
		}
		if last = name; folder != "" {
			list.AddPrefix(folder)
			continue
		}
		if err := s.list(list, bucket, key); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *store) list(list *gofakes3.ObjectList, bucket, key string) error {
	st, err := os.Stat(s.object(bucket, key))
	if err != nil {
		return err
	}
	m, err := s.loadMeta(bucket, key)
	list.Add(&gofakes3.Content{Key: key, LastModified: gofakes3.NewContentTime(st.ModTime()), ETag: etag(m.MD5), Size: m.Size})
	return err
}

// keys are those that begin with prefix, sorted.
func (s *store) keys(bucket, prefix string) (keys []string, err error) {
	root := filepath.Join(s.root, bucket)
	from := s.object(bucket, filepath.Dir(prefix+"x"))
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel(root, path)
		if key = filepath.ToSlash(key); strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	slices.Sort(keys)
	return keys, err
}
