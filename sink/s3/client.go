package s3

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	answerIn = time.Minute // from the end of a request to the beginning of its answer
	slowest  = 64 << 10    // bytes a second, of a body that still makes progress
)

// bounded gives every attempt a time that its size calls for: a request without progress ends.
type bounded struct {
	*http.Client
	answer time.Duration
}

// client keeps a connection for every slot. It has the SDK's own settings, such as AWS_CA_BUNDLE.
func client(c sdk.HTTPClient) bounded {
	b, ok := c.(*awshttp.BuildableClient)
	if !ok {
		b = awshttp.NewBuildableClient()
	}
	t := b.GetTransport()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*slots, slots
	t.ResponseHeaderTimeout = answerIn
	t.WriteBufferSize = 64 << 10
	t.DialContext = buffered(t.DialContext)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return bounded{&http.Client{Transport: t, CheckRedirect: stay}, answerIn}
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// buffered dials connections that send bodies from buffers which are used again. By itself a connection makes one for each body.
func buffered(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if tcp, ok := c.(*net.TCPConn); ok && err == nil {
			return conn{tcp}, nil
		}
		return c, err
	}
}

type conn struct{ *net.TCPConn }

const sendBuffer = 128 << 10

var sendBuffers = sync.Pool{New: func() any { return new([sendBuffer]byte) }}

func (c conn) ReadFrom(r io.Reader) (int64, error) {
	buf := sendBuffers.Get().(*[sendBuffer]byte)
	defer sendBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c.TCPConn}, struct{ io.Reader }{r}, buf[:])
}

// Do is one attempt.
func (b bounded) Do(r *http.Request) (*http.Response, error) {
	limit := b.answer + time.Duration(max(0, r.ContentLength)/slowest)*time.Second
	if r.Method == http.MethodPost { // the answer to the end of an upload begins at once, and may take long to end
		limit *= 10
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	resp, err := b.Client.Do(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &cancelled{resp.Body, cancel}
	return resp, nil
}

// cancelled ends the attempt's time when its answer has been read.
type cancelled struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *cancelled) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}
