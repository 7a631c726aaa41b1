package parts

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// S3Access says where an S3 service is and who may use it.
type S3Access struct {
	Endpoint  string // a URL; buckets go into its path
	AccessKey string
	SecretKey string
	Region    string
}

// MinIO is a running MinIO server.
type MinIO struct {
	*Process
	S3 S3Access
}

// StartMinIO starts a server with its objects and log in dir and returns when it takes requests; ctx bounds that wait only.
func StartMinIO(ctx context.Context, dir string) (*MinIO, error) {
	cache, err := installed("minio")
	if err != nil {
		return nil, err
	}
	ports, err := FreePorts(2)
	if err != nil {
		return nil, err
	}
	s3 := S3Access{Endpoint: "http://" + addr(ports[0]), AccessKey: "penstock", SecretKey: "penstock-secret", Region: "us-east-1"}
	cmd := exec.Command(cache.minio(), "server", "--quiet", "--address", addr(ports[0]), "--console-address", addr(ports[1]),
		"--certs-dir", filepath.Join(dir, "certs"), filepath.Join(dir, "objects"))
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s3.AccessKey, "MINIO_ROOT_PASSWORD="+s3.SecretKey,
		"MINIO_REGION="+s3.Region, "MINIO_BROWSER=off", "MINIO_UPDATE=off")
	p, err := start(dir, "minio", cmd)
	if err != nil {
		return nil, err
	}
	if err := p.ready(ctx, get(s3.Endpoint+"/minio/health/cluster")); err != nil {
		return nil, err
	}
	return &MinIO{p, s3}, nil
}

// MotoServer is a running moto server: stand-ins of AWS services, Glue among them, that keep all in memory.
type MotoServer struct {
	*Process
	URL string
}

// StartMoto starts a server with its log in dir and returns when it takes requests; ctx bounds that wait only.
func StartMoto(ctx context.Context, dir string) (*MotoServer, error) {
	cache, err := installed("python")
	if err != nil {
		return nil, err
	}
	ports, err := FreePorts(1)
	if err != nil {
		return nil, err
	}
	url := "http://" + addr(ports[0])
	p, err := start(dir, "moto", exec.Command(cache.Python(), "-m", "moto.server", "-H", "127.0.0.1", "-p", fmt.Sprint(ports[0])))
	if err != nil {
		return nil, err
	}
	if err := p.ready(ctx, get(url+"/moto-api/")); err != nil {
		return nil, err
	}
	return &MotoServer{p, url}, nil
}

// get asks url once and wants the answer 200.
func get(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, resp.Status)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
}
