package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/penstock/penstock/parts"
)

// A set is one of each part, with throwaway data.
type set struct {
	dir   string
	kafka *parts.Broker
	minio *parts.MinIO
	moto  *parts.MotoServer
}

// startAll starts the parts side by side. Where it fails, the set is to be stopped all the same.
func startAll(ctx context.Context, cache parts.Cache) (*set, error) {
	sweep(string(cache))
	s := &set{dir: filepath.Join(string(cache), fmt.Sprintf("run-%d", os.Getpid()))}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i, start := range []func(context.Context) (string, error){s.startKafka, s.startMinIO, s.startMoto} {
		wg.Go(func() {
			begin := time.Now()
			where, err := start(ctx)
			if err != nil {
				if !errors.Is(err, context.Canceled) { // the others of one that failed
					errs[i] = err
				}
				cancel()
				return
			}
			say(fmt.Sprintf("%s (%.1f s)", where, time.Since(begin).Seconds()))
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return s, err
	}
	return s, ctx.Err()
}

func (s *set) startKafka(ctx context.Context) (where string, err error) {
	if s.kafka, err = parts.StartKafka(ctx, filepath.Join(s.dir, "kafka"), parts.KafkaOptions{}); err != nil {
		return "", err
	}
	return "kafka on " + s.kafka.Brokers, nil
}

func (s *set) startMinIO(ctx context.Context) (where string, err error) {
	if s.minio, err = parts.StartMinIO(ctx, filepath.Join(s.dir, "minio")); err != nil {
		return "", err
	}
	return "minio on " + s.minio.S3.Endpoint, nil
}

func (s *set) startMoto(ctx context.Context) (where string, err error) {
	if s.moto, err = parts.StartMoto(ctx, filepath.Join(s.dir, "moto")); err != nil {
		return "", err
	}
	return "moto on " + s.moto.URL, nil
}

func (s *set) env(cache parts.Cache) []string {
	return parts.Env(s.kafka, s.minio, s.moto, cache.Python())
}

// stop kills what runs and removes the data.
func (s *set) stop() error {
	var errs []error
	if s.kafka != nil {
		errs = append(errs, s.kafka.Kill())
	}
	if s.minio != nil {
		errs = append(errs, s.minio.Kill())
	}
	if s.moto != nil {
		errs = append(errs, s.moto.Kill())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// sweep removes the data of runs that were killed before they could.
func sweep(cache string) {
	dirs, _ := filepath.Glob(filepath.Join(cache, "run-*"))
	for _, dir := range dirs {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), "run-"))
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			os.RemoveAll(dir)
		}
	}
}
