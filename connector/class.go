package connector

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink"
)

// Class is what an error asks for.
type Class string

// The classes. ClassOf alone decides which an error is of.
const (
	Retry   Class = "retry"   // it passes: the same is tried again where it failed, and the rest goes on meanwhile
	Restart Class = "restart" // the connector's run is at an end, and begins again from what is committed
	World   Class = "world"   // something around is away, missing or refuses: it is tried again as long as that lasts, and mends with it
	User    Class = "user"    // the same again would fail the same: a partition or split is held until somebody has looked
)

// Classes lists them all.
func Classes() []Class { return []Class{Retry, Restart, World, User} }

// classed is an error that carries its class from where it came up.
type classed interface{ class() Class }

// ClassOf is the class of an error. What is known of the error itself counts first, then the class that it carries; otherwise is
// that of errors which say nothing, where it is asked.
func ClassOf(err error, otherwise Class) Class {
	var carries classed
	switch {
	case err == nil:
		return ""
	case outside(err):
		return World
	case errors.As(err, new(*sink.Foreign)), errors.As(err, new(*sink.Broken)), errors.As(err, new(*sink.Unfit)):
		return User
	case errors.As(err, &carries):
		return carries.class()
	case errors.As(err, new(plugin.Problem)):
		return User
	}
	return otherwise
}

// outside tells the errors that something outside the process has to mend, and may without a word to us: brokers or a service that
// are away, a topic, bucket or crawler that is missing, rights, a full disk.
func outside(err error) bool {
	return errors.As(err, new(*plugin.Outside)) || kafka.Outside(err) || errors.As(err, new(*net.OpError)) ||
		errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// whole is an error of the connector, not of the one partition: its run ends and is begun again.
type whole struct{ error }

func (e whole) Unwrap() error { return e.error }
func (e whole) class() Class  { return Restart }

// stopped is the error of a split that goes no further for now, where its connector does.
type stopped struct{ error }

func (s stopped) Unwrap() error { return s.error }
func (s stopped) class() Class  { return User }

// Backoff makes the pauses between attempts: each is twice as long as the one before, none is longer than Most, and each is drawn
// from the upper half of its length, so that many who have failed at once do not come back at once.
type Backoff struct {
	First, Most time.Duration
	last        time.Duration
}

// Next is the next pause.
func (b *Backoff) Next() time.Duration {
	b.last = min(max(2*b.last, b.First), b.Most)
	return b.last/2 + rand.N(b.last/2+1)
}

// Reset begins anew with First.
func (b *Backoff) Reset() { b.last = 0 }
