package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"
)

// bucket is where one run puts its objects.
type bucket struct {
	*world
	name string
}

func (w *world) bucket(ctx context.Context, name string) (bucket, error) {
	_, err := w.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
	return bucket{w, name}, err
}

func (b bucket) list(ctx context.Context) (objects []types.Object, err error) {
	pages := s3.NewListObjectsV2Paginator(b.s3, &s3.ListObjectsV2Input{Bucket: &b.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		objects = append(objects, page.Contents...)
	}
	return objects, nil
}

// remove empties the bucket, so that one run does not fill the disk of the next.
func (b bucket) remove(ctx context.Context) error {
	objects, err := b.list(ctx)
	if err != nil {
		return err
	}
	for len(objects) > 0 {
		n := min(len(objects), 1000)
		var keys []types.ObjectIdentifier
		for _, o := range objects[:n] {
			keys = append(keys, types.ObjectIdentifier{Key: o.Key})
		}
		if _, err := b.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b.name, Delete: &types.Delete{Objects: keys}}); err != nil {
			return err
		}
		objects = objects[n:]
	}
	_, err = b.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &b.name})
	return err
}

// toBucket loads a topic, lets a process empty it so many times over, and counts what stands in the bucket then. Bucket and folder are of
// that name, for this run alone, and gone afterwards.
func (w *world) toBucket(ctx context.Context, d data, times int, empty func(name, dir string) (outcome, error)) (o outcome, err error) {
	if err := w.ensure(ctx, d); err != nil {
		return o, err
	}
	name, dir, err := w.place()
	if err != nil {
		return o, err
	}
	defer os.RemoveAll(dir)
	b, err := w.bucket(ctx, name)
	if err != nil {
		return o, err
	}
	defer b.remove(ctx)
	if o, err = empty(name, dir); err != nil {
		return o, err
	}
	if o.Objects, o.Rows, err = b.counted(ctx); err == nil && o.Rows != int64(times*d.rows) {
		err = fmt.Errorf("%d rows stand in %d objects, of %d on the topic", o.Rows, o.Objects, times*d.rows)
	}
	o.Bytes = int64(times) * d.bytes()
	return o, err
}

// counted is how many objects there are, and how many rows in them.
func (b bucket) counted(ctx context.Context) (int, int64, error) {
	objects, err := b.list(ctx)
	if err != nil {
		return 0, 0, err
	}
	var rows atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, object := range objects {
		group.Go(func() error {
			n, err := b.rows(ctx, *object.Key)
			rows.Add(n)
			return err
		})
	}
	err = group.Wait()
	return len(objects), rows.Load(), err
}

// rows counts those of one object, by reading it: lines, packed or not, or what a Parquet file's pages hold.
func (b bucket) rows(ctx context.Context, key string) (int64, error) {
	out, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return 0, err
	}
	defer out.Body.Close()
	n, err := countRows(out.Body)
	if err != nil {
		err = fmt.Errorf("%s: %w", key, err)
	}
	return n, err
}

func countRows(in io.Reader) (int64, error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(in, head)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, err
	}
	in = io.MultiReader(bytes.NewReader(head[:n]), in)
	switch {
	case string(head) == "PAR1":
		return parquetRows(in)
	case head[0] == 0x1f && head[1] == 0x8b:
		if in, err = gzip.NewReader(in); err != nil {
			return 0, err
		}
	case string(head) == "\x28\xb5\x2f\xfd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return 0, err
		}
		defer z.Close()
		in = z
	}
	return lines(in)
}

func lines(in io.Reader) (n int64, err error) {
	buf := make([]byte, 256<<10)
	for {
		got, err := in.Read(buf)
		n += int64(bytes.Count(buf[:got], []byte("\n")))
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// parquetRows reads the first column of a file.
func parquetRows(in io.Reader) (n int64, err error) {
	f, err := os.CreateTemp("", "bench-*")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return 0, err
	}
	size, err := io.Copy(f, in)
	if err != nil {
		return 0, err
	}
	file, err := parquet.OpenFile(f, size)
	if err != nil {
		return 0, err
	}
	for _, group := range file.RowGroups() {
		pages := group.ColumnChunks()[0].Pages()
		for {
			page, err := pages.ReadPage()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return n, errors.Join(err, pages.Close())
			}
			n += page.NumValues()
			parquet.Release(page)
		}
		if err := pages.Close(); err != nil {
			return n, err
		}
	}
	return n, nil
}
