package connector

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	client "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink"
)

func TestClasses(t *testing.T) {
	code := func(c client.ErrorCode) error { return client.NewError(c, "", false) }
	_, refused := net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
	full := &fs.PathError{Op: "write", Path: "/tmp/x", Err: syscall.ENOSPC}
	_, metadata := readMemo(kafka.Mark{Metadata: "gibberish"})
	for name, c := range map[string]struct {
		err             error
		flush, part, as Class // where a flush, a partition, the connector as a whole fails with it
	}{
		"nothing":                          {nil, "", "", ""},
		"an error that says nothing":       {io.ErrUnexpectedEOF, Retry, User, Restart},
		"one of the connector as a whole":  {whole{io.ErrUnexpectedEOF}, Restart, Restart, Restart},
		"a split that cannot be read":      {stopped{io.ErrUnexpectedEOF}, User, User, User},
		"what the group remembers":         {metadata, Retry, User, Restart},
		"somebody else's object":           {&sink.Foreign{}, User, User, User},
		"an object that was damaged":       {&sink.Broken{}, User, User, User},
		"rows that fit into no file":       {&sink.Unfit{Err: io.EOF}, User, User, User},
		"a mistake in the file":            {plugin.Problems{{Err: io.EOF}}, User, User, User},
		"a file that is being changed":     {whole{plugin.Problems{{Err: io.EOF}}}, Restart, Restart, Restart},
		"no bucket":                        {&plugin.Outside{Err: io.EOF, Remedy: "make it"}, World, World, World},
		"no service":                       {refused, World, World, World},
		"a full disk":                      {full, World, World, World},
		"a disk that is read-only":         {syscall.EROFS, World, World, World},
		"no right to a file":               {stopped{fmt.Errorf("csv: %w", os.ErrPermission)}, World, World, World},
		"no broker":                        {code(client.ErrAllBrokersDown), World, World, World},
		"a leader that is being chosen":    {code(client.ErrLeaderNotAvailable), World, World, World},
		"no right to a topic":              {code(client.ErrTopicAuthorizationFailed), World, World, World},
		"no topic":                         {fmt.Errorf("topic t: %w", kafka.ErrNoTopic), World, World, World},
		"no broker, and so no connector":   {whole{code(client.ErrTimedOut)}, World, World, World},
		"a transaction that was too long":  {kafka.ErrExpired, World, World, World},
		"another worker":                   {kafka.ErrFenced, Retry, User, Restart},
		"a client that is beyond repair":   {client.NewError(client.ErrFatal, "", true), Retry, User, Restart},
		"two at once, of which one is out": {errors.Join(io.EOF, full), World, World, World},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("somewhere: %w", err)
		}
		for i, otherwise := range []Class{Retry, User, Restart} {
			if got, want := ClassOf(err, otherwise), []Class{c.flush, c.part, c.as}[i]; got != want {
				t.Errorf("%s, otherwise %s: it is %q, want %q", name, otherwise, got, want)
			}
		}
	}
}

// Pauses grow up to a bound, differ from one another, and begin anew.
func TestBackoff(t *testing.T) {
	b := Backoff{First: 100 * time.Millisecond, Most: time.Second}
	seen := map[time.Duration]bool{}
	for range 2 {
		for i, full := range []time.Duration{100, 200, 400, 800, 1000, 1000, 1000} {
			full *= time.Millisecond
			p := b.Next()
			if p < full/2 || p > full {
				t.Errorf("pause %d is %v, want %v to %v", i, p, full/2, full)
			}
			seen[p] = true
		}
		b.Reset()
	}
	if len(seen) < 8 {
		t.Errorf("of 14 pauses there are %d different ones", len(seen))
	}
}
