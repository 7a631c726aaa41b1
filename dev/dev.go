// Package dev is a Kafka, an S3 and a Glue inside the process, kept in a folder: for penstock dev and for tests.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/johannesboyne/gofakes3"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Servers listen on loopback, on ports that are new with every start; what they hold stays.
type Servers struct {
	Brokers string // Kafka's address
	AWS     string // S3's and Glue's URL: the endpoint of an aws block, to be asked path-style, with any credentials

	lock   *os.File
	kafka  *kfake.Cluster
	conns  *listener
	store  *store
	glue   *crawlers
	http   *http.Server
	served sync.WaitGroup
}

// Start makes the folder, which nobody else can look into, locks it and serves what is in it: kafka/, s3/<bucket>/<key> as plain files, glue.json. One process
// may serve a folder at a time.
func Start(ctx context.Context, dir string) (*Servers, error) {
	s := &Servers{}
	err := s.start(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Servers) start(ctx context.Context, dir string) (err error) {
	if err := s.lockFolder(dir); err != nil {
		return err
	}
	if err := s.startKafka(ctx, filepath.Join(dir, "kafka")); err != nil {
		return fmt.Errorf("embedded kafka: %w; start over with an empty folder", err)
	}
	if s.store, err = newStore(filepath.Join(dir, "s3")); err != nil {
		return fmt.Errorf("embedded s3: %w", err)
	}
	if s.glue, err = newGlue(filepath.Join(dir, "glue.json")); err != nil {
		return fmt.Errorf("embedded glue: %w", err)
	}
	s3 := s.store.guard(gofakes3.New(s.store, gofakes3.WithTimeSkewLimit(0), gofakes3.WithAutoBucket(true)).Server())
	return s.serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.") {
			s.glue.ServeHTTP(w, r)
			return
		}
		s3.ServeHTTP(w, r)
	}))
}

func (s *Servers) lockFolder(dir string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if s.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	err = syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another process serves this folder; stop it, or use another folder")
	}
	return err
}

// Forget empties the folder, unless a process serves it.
func Forget(dir string) error {
	s := &Servers{}
	if err := s.lockFolder(dir); err != nil {
		return fmt.Errorf("%s: %w", dir, errors.Join(err, s.Close()))
	}
	defer s.Close()
	var errs []error
	for _, name := range []string{"kafka", "s3", "glue.json"} {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, name)))
	}
	return errors.Join(errs...)
}

func (s *Servers) startKafka(ctx context.Context, dir string) (err error) {
	listen := func(network, address string) (net.Listener, error) {
		l, err := (&net.ListenConfig{}).Listen(ctx, network, address)
		s.conns = &listener{Listener: l}
		return s.conns, err
	}
	speaks := kversion.V4_1_0()
	for _, telemetry := range []int16{71, 72} { // clients would log that they were asked for some
		speaks.SetMaxKeyVersion(telemetry, -1)
	}
	s.kafka, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(1), kfake.DataDir(dir), kfake.ListenFn(listen),
		kfake.MaxVersions(speaks))
	if err == nil {
		s.Brokers = s.kafka.ListenAddrs()[0]
	}
	return err
}

func (s *Servers) serve(ctx context.Context, h http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.http = &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	s.served.Go(func() { s.http.Serve(l) })
	s.AWS = "http://" + l.Addr().String()
	return nil
}

// Bucket makes a bucket if there is none of that name.
func (s *Servers) Bucket(name string) error {
	if ok, err := s.store.BucketExists(name); ok || err != nil {
		return err
	}
	if err := gofakes3.ValidateBucketName(name); err != nil {
		return fmt.Errorf("bucket %q: not a name that S3 takes: 3 to 63 lower-case letters, digits, dots and hyphens", name)
	}
	return s.store.CreateBucket(name)
}

// Crawls is how often a crawler has been started since the folder was made.
func (s *Servers) Crawls(crawler string) int { return s.glue.crawls(crawler) }

// Close ends all connections and leaves the folder to the next Start.
func (s *Servers) Close() error {
	var errs []error
	if s.http != nil {
		errs = append(errs, s.http.Close())
	}
	s.served.Wait()
	if s.kafka != nil {
		s.kafka.Close()
		s.conns.closeAll()
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// listener knows its connections: kfake leaves them, and what serves them, to the clients to end.
type listener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conns = append(l.conns, c)
	}
	return c, err
}

func (l *listener) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
}
