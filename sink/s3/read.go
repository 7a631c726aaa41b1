package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock/penstock/sink/files"
)

// Where is of files.Reader.
func (s *store) Where() string { return "s3://" + s.bucket + "/" }

// Walk asks for a page after the other, as names are taken.
func (s *store) Walk(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return s.list(ctx, &s3.ListObjectsV2Input{Prefix: &prefix})
}

// Read asks for a piece after the other, each in time that allows for a slow line.
func (s *store) Read(ctx context.Context, name string, size int64) (io.ReadCloser, error) {
	return &pieces{ctx: ctx, store: s, name: name, size: size}, s.Open(ctx)
}

// pieces is an object that is being read.
type pieces struct {
	ctx      context.Context
	store    *store
	name     string
	at, size int64
	body     io.ReadCloser // of the piece in hand
	failed   int           // tries for it
}

const mostTries = 3

func (p *pieces) Read(b []byte) (int, error) {
	for p.at < p.size {
		if err := p.ask(); err != nil {
			return 0, err
		}
		n, err := p.body.Read(b)
		p.at += int64(n)
		if err != nil {
			_ = p.Close()
			if p.failed++; !errors.Is(err, io.EOF) && (p.failed == mostTries || p.ctx.Err() != nil) {
				return n, p.store.failed("get", p.name, err)
			}
		}
		if n > 0 {
			p.failed = 0
			return n, nil
		}
		if p.failed == mostTries {
			return 0, p.store.failed("get", p.name, io.ErrUnexpectedEOF)
		}
	}
	return 0, io.EOF
}

// ask begins a piece, where none is in hand.
func (p *pieces) ask() error {
	if p.body != nil {
		return nil
	}
	ctx := p.ctx
	out, err := p.store.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &p.store.bucket, Key: &p.name, Range: sdk.String(fmt.Sprintf("bytes=%d-%d", p.at, min(p.at+files.Piece, p.size)-1)),
	})
	if err != nil {
		return p.store.failed("get", p.name, err)
	}
	p.body = out.Body
	return nil
}

// Close lets go of the piece in hand.
func (p *pieces) Close() error {
	if p.body == nil {
		return nil
	}
	err := p.body.Close()
	p.body = nil
	return err
}
