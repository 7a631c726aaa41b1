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
	s3 := s3Access(ports[0])
	cmd := exec.Command(cache.minio(), "server", "--quiet", "--address", addr(ports[0]), "--console-address", addr(ports[1]),
		"--certs-dir", filepath.Join(dir, "certs"), filepath.Join(dir, "objects"))
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s3.AccessKey, "MINIO_ROOT_PASSWORD="+s3.SecretKey,
		"MINIO_REGION="+s3.Region, "MINIO_BROWSER=off", "MINIO_UPDATE=off")
	p, err := Start(dir, "minio", cmd)
	if err != nil {
		return nil, err
	}
	if err := p.ready(ctx, get(s3.Endpoint+"/minio/health/cluster")); err != nil {
		return nil, err
	}
	return &MinIO{p, s3}, nil
}

// Versity is a running Versity gateway: a second, independent S3, which keeps objects as files.
type Versity struct {
	*Process
	S3 S3Access
}

// StartVersity starts a gateway with its objects and log in dir and returns when it takes requests; ctx bounds that wait only. The file
// system of dir must have extended attributes.
func StartVersity(ctx context.Context, dir string) (*Versity, error) {
	cache, err := installed("versity")
	if err != nil {
		return nil, err
	}
	ports, err := FreePorts(1)
	if err != nil {
		return nil, err
	}
	objects := filepath.Join(dir, "objects")
	if err := os.MkdirAll(objects, 0o755); err != nil {
		return nil, err
	}
	s3 := s3Access(ports[0])
	cmd := exec.Command(cache.versity(), "--quiet", "--keep-alive", "--health", "/health", "--port", addr(ports[0]),
		"--region", s3.Region, "posix", objects)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s3.AccessKey, "ROOT_SECRET_KEY="+s3.SecretKey)
	p, err := Start(dir, "versity", cmd)
	if err != nil {
		return nil, err
	}
	if err := p.ready(ctx, get(s3.Endpoint+"/health")); err != nil {
		return nil, err
	}
	return &Versity{p, s3}, nil
}

// s3Access is the way to any S3 of ours, on a port of this machine.
func s3Access(port int) S3Access {
	return S3Access{Endpoint: "http://" + addr(port), AccessKey: "penstock", SecretKey: "penstock-secret", Region: "us-east-1"}
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
	p, err := Start(dir, "moto", exec.Command(cache.Python(), "-m", "moto.server", "-H", "127.0.0.1", "-p", fmt.Sprint(ports[0])))
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
