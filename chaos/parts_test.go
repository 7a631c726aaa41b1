package chaos

// The harness itself is tested here: a fault that does not happen proves nothing.

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock/penstock/parts"
)

// ping asks for the versions that the broker speaks; pong is the beginning of its answer.
var (
	ping = []byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff}
	pong = []byte{0, 0, 0, 7, 0, 0}
)

// wired is a wire to the shared broker.
func wired(t *testing.T) *wire {
	t.Helper()
	w, err := newWire(parts.Kafka(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

// line is a client's connection, on which a ping was sent.
func line(t *testing.T, w *wire) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	say(t, conn)
	return conn
}

func say(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Write(ping); err != nil {
		t.Fatal(err)
	}
}

// hears reads the answer to a ping.
func hears(conn net.Conn, patience time.Duration) error {
	conn.SetReadDeadline(time.Now().Add(patience))
	frame, err := readFrame(conn)
	if err == nil && !bytes.HasPrefix(frame[4:], pong) {
		return errors.New("another answer")
	}
	return err
}

func TestWire(t *testing.T) {
	t.Parallel()
	for name, breaking := range map[string]bool{"breaks": true, "goes on": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wired(t)
			all := wires{wired(t), w}
			wants := func(what string, err, want error) {
				t.Helper()
				if !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", what, err, want)
				}
			}
			timeout := os.ErrDeadlineExceeded
			old := line(t, w)
			wants("whole", hears(old, 10*time.Second), nil)
			all.cut()
			say(t, old)
			wants("cut", hears(old, 300*time.Millisecond), timeout)
			during := line(t, w)
			wants("cut, a new connection", hears(during, 300*time.Millisecond), timeout)
			all.mend(breaking)
			for what, conn := range map[string]net.Conn{"an old connection": old, "one made meanwhile": during} {
				err := hears(conn, 10*time.Second)
				if breaking && !errors.Is(err, syscall.ECONNRESET) || !breaking && err != nil {
					t.Errorf("mended, %s: %v", what, err)
				}
			}
			wants("mended, a new connection", hears(line(t, w), 10*time.Second), nil)
		})
	}
}

// A wire to no broker breaks connections as they are made.
func TestWireToNobody(t *testing.T) {
	t.Parallel()
	ports, err := parts.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWire((&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: ports[0]}).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	conn, err := net.Dial("tcp", w.addr)
	if err == nil {
		defer conn.Close()
		err = hears(conn, 10*time.Second)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}

// TestWireHoldsBack lets a client give a commit up, make another, and go; then the first one lands, over the second.
func TestWireHoldsBack(t *testing.T) {
	t.Parallel()
	for how, late := range map[string]time.Duration{"released": 0, "for a while": 700 * time.Millisecond} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := wired(t)
			c := newCluster(t, parts.Kafka(t))
			name := "late-" + strconv.FormatInt(time.Now().UnixNano(), 36) // of group and topic
			c.make(name, 1)
			other := wired(t)
			h := wires{other, w}.holdBack(commits, func(frame []byte) bool { return bytes.Contains(frame, []byte(name)) }, late)
			commit := func(offset int64, patience time.Duration) error {
				cl := c.client(kgo.Dialer(func(ctx context.Context, _, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "tcp", w.addr)
				}))
				defer cl.Close()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				return commitAs(ctx, cl, name, offset)
			}
			if err := commit(5, 300*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("the commit that is held back: %v", err)
			}
			<-h.taken
			if err := commit(7, 20*time.Second); err != nil {
				t.Fatalf("the next commit: %v", err)
			}
			if m := c.committed(name, name, 0); m.offset != 7 {
				t.Fatalf("committed %v", m)
			}
			if late == 0 {
				h.release()
			}
			if answer := <-h.answer; len(answer) < 4 {
				t.Fatalf("the broker answered %x", answer)
			}
			if m := c.committed(name, name, 0); m.offset != 5 {
				t.Errorf("committed %v, want the offset that landed late", m)
			}
			if err := commit(9, 20*time.Second); err != nil {
				t.Errorf("a second request was held back: %v", err)
			}
		})
	}
	t.Run("nothing came", func(t *testing.T) {
		h := wires{wired(t)}.holdBack(18, func([]byte) bool { return true }, 0)
		h.release()
		if answer, ok := <-h.answer; ok {
			t.Errorf("an answer %x", answer)
		}
	})
}

// commitAs commits an offset of the one partition of a topic that is called as the group.
func commitAs(ctx context.Context, cl *kgo.Client, name string, offset int64) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = name, -1
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic = name
	rp := kmsg.NewOffsetCommitRequestTopicPartition()
	rp.Offset = offset
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}

// proxied is a bucket, and a client of it that comes through a proxy and tries only once.
func proxied(t *testing.T) (*bucket, *proxy, *s3.Client) {
	t.Helper()
	access := parts.S3(t)
	b := newBucket(t, access, "proxy-"+strconv.FormatInt(time.Now().UnixNano(), 36))
	p := newProxy(t, access.Endpoint)
	p.access = access
	access.Endpoint = p.url
	return b, p, s3.New(newS3(t, access).Options(), func(o *s3.Options) { o.RetryMaxAttempts = 1 })
}

// TestProxy puts an object where one stands or none does, through each fault, and looks at what has become of it.
func TestProxy(t *testing.T) {
	t.Parallel()
	type outcome struct {
		before, code, after string
	}
	const refused, cut = "PreconditionFailed", "no answer"
	for f, want := range map[fault]outcome{
		pass:  {"old", refused, "old"},
		hold:  {"", cut, ""},
		lose:  {"", cut, "new"},
		reset: {"", cut, ""},
		away:  {"", "SlowDown", ""},
		late:  {"", cut, "new"},
		fails: {"", "InternalError", ""},
		busy:  {"", "TooManyRequests", ""},
		slow:  {"", "", "new"},
		lie:   {"", "InternalError", ""},
		skew:  {"", "RequestTimeTooSkewed", ""},
		blind: {"old", "", "new"},
	} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			b, p, client := proxied(t)
			if want.before != "" {
				b.put("o", want.before, nil)
			}
			p.set(func(*http.Request) fault { return f })
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if want.code == cut {
				ctx, cancel = context.WithTimeout(ctx, time.Second)
			}
			defer cancel()
			_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: aws.String("o"), Body: strings.NewReader("new"), IfNoneMatch: aws.String("*")})
			got := outcome{want.before, codeOf(err), ""}
			if api := smithy.APIError(nil); err != nil && !errors.As(err, &api) {
				got.code = cut
			}
			for _, o := range b.objects("") {
				got.after = string(o.body)
			}
			if got != want {
				t.Errorf("%+v (%v), want %+v", got, err, want)
			}
		})
	}
	if kinds != 12 {
		t.Errorf("%d kinds of fault, of which 12 are tested", kinds)
	}
}

func TestProxyIsSlowBothWays(t *testing.T) {
	t.Parallel()
	b, p, client := proxied(t)
	p.set(func(*http.Request) fault { return slow })
	long := strings.Repeat("x", 700)
	for way, do := range map[string]func() error{
		"to the service": func() error {
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: aws.String("o"), Body: strings.NewReader(long)})
			return err
		},
		"from the service": func() error {
			b.put("p", long, nil)
			out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &b.name, Key: aws.String("p")})
			if err != nil {
				return err
			}
			defer out.Body.Close()
			body, err := io.ReadAll(out.Body)
			if string(body) != long {
				t.Errorf("%d bytes, want %d", len(body), len(long))
			}
			return err
		},
	} {
		began := time.Now()
		if err := do(); err != nil || time.Since(began) < 700*time.Millisecond {
			t.Errorf("%s: error %v after %v", way, err, time.Since(began))
		}
	}
}

// TestProxySkews lets the SDK set its clock by a service whose clock is wrong, and then by one whose clock is right again.
func TestProxySkews(t *testing.T) {
	t.Parallel()
	b, p, _ := proxied(t)
	access := parts.S3(t)
	access.Endpoint = p.url
	var answers []fault
	p.set(func(*http.Request) fault {
		answers = append(answers, pass)
		if len(answers) == 1 {
			return skew
		}
		return pass
	})
	_, err := newS3(t, access).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: aws.String("o"), Body: strings.NewReader("new")})
	p.set(nil)
	if err != nil || len(answers) != 3 {
		t.Errorf("error %v after %d attempts, want none after 3: one is refused by the proxy, one by the service", err, len(answers))
	}
}

// TestProxyLies answers 200 to the end of an upload, and means an error.
func TestProxyLies(t *testing.T) {
	t.Parallel()
	b, p, client := proxied(t)
	in := &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: aws.String("o")}
	up, err := client.CreateMultipartUpload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	part, err := client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: in.Bucket, Key: in.Key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("new")})
	if err != nil {
		t.Fatal(err)
	}
	p.set(func(*http.Request) fault { return lie })
	end := &s3.CompleteMultipartUploadInput{Bucket: in.Bucket, Key: in.Key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}}}
	if _, err := client.CompleteMultipartUpload(t.Context(), end); codeOf(err) != "InternalError" {
		t.Errorf("complete: %v", err)
	}
	if _, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: in.Bucket}); codeOf(err) != "InternalError" {
		t.Errorf("list: %v", err)
	}
	p.set(nil)
	if keys := b.list(""); len(keys) != 0 {
		t.Errorf("there are %q", keys)
	}
	if _, err := client.CompleteMultipartUpload(t.Context(), end); err != nil {
		t.Errorf("complete again: %v", err)
	}
}
