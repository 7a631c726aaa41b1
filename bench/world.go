package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/parts"
)

// world is what the programs under measurement talk to: a Kafka of one broker and MinIO, by the code that the tests start them with, and
// their data in a folder of the cache.
type world struct {
	dir    string
	broker *parts.Broker
	minio  *parts.MinIO
	kafka  *kgo.Client
	s3     *s3.Client
	topics map[string]bool // that have been loaded
	runs   int
	perf   string // where samples of what is measured go; "" for nowhere
}

func newWorld(ctx context.Context) (w *world, err error) {
	cache, err := parts.FindCache()
	if err != nil {
		return nil, err
	}
	w = &world{dir: filepath.Join(string(cache), fmt.Sprintf("run-%d", os.Getpid())), topics: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	w.broker, err = parts.StartKafka(ctx, filepath.Join(w.dir, "kafka"), parts.KafkaOptions{Heap: "1g", Properties: map[string]string{"message.max.bytes": "4194304"}})
	if err != nil {
		return w, err
	}
	if err := os.Setenv("MINIO_PROMETHEUS_AUTH_TYPE", "public"); err != nil { // it counts requests for us
		return w, err
	}
	if w.minio, err = parts.StartMinIO(ctx, filepath.Join(w.dir, "minio")); err != nil {
		return w, err
	}
	access := w.minio.S3
	w.s3 = s3.New(s3.Options{
		Region: access.Region, BaseEndpoint: &access.Endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(access.AccessKey, access.SecretKey, ""),
	})
	w.kafka, err = kgo.NewClient(kgo.SeedBrokers(w.broker.Brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(100_000),
		kgo.WithCompressor(packer{}), kgo.ProducerLinger(20*time.Millisecond), kgo.ProducerBatchMaxBytes(2<<20))
	return w, err
}

// close ends what runs and removes the data.
func (w *world) close() error {
	var errs []error
	if w.kafka != nil {
		w.kafka.Close()
	}
	if w.broker != nil {
		errs = append(errs, w.broker.Kill())
	}
	if w.minio != nil {
		errs = append(errs, w.minio.Kill())
	}
	return errors.Join(append(errs, os.RemoveAll(w.dir))...)
}

// place is a folder of its own for one run.
func (w *world) place() (name, dir string, err error) {
	w.runs++
	name = fmt.Sprintf("run-%03d", w.runs)
	dir = filepath.Join(w.dir, name)
	return name, dir, os.MkdirAll(dir, 0o755)
}

// requests is how many requests MinIO has had so far.
func (w *world) requests(ctx context.Context) (n int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.minio.S3.Endpoint+"/minio/metrics/v3/api/requests", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if text := lines.Text(); strings.HasPrefix(text, "minio_api_requests_total{") {
			count, err := strconv.ParseFloat(text[strings.LastIndexByte(text, ' ')+1:], 64)
			if err != nil {
				return 0, fmt.Errorf("MinIO's metrics: %q: %w", text, err)
			}
			n += int64(count)
		}
	}
	return n, nil
}
