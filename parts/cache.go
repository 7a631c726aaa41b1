// Package parts installs and runs the real programs that tests talk to: Kafka, MinIO, moto and Python's readers of files.
package parts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Cache is a folder of installed parts.
type Cache string

// FindCache is the cache folder of the repository that holds the working directory, there or not.
func FindCache() (Cache, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return Cache(filepath.Join(dir, ".cache")), nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above: run this inside the repository")
		}
		dir = up
	}
}

// installed is the cache of a repository that has this part.
func installed(part string) (Cache, error) {
	c, err := FindCache()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(c.path("stamps", part)); err != nil {
		return "", fmt.Errorf("%s is not installed in %s: run make parts", part, c)
	}
	return c, nil
}

func (c Cache) path(elem ...string) string {
	return filepath.Join(append([]string{string(c)}, elem...)...)
}

// Python is the interpreter that has the readers installed.
func (c Cache) Python() string { return c.path("venv", "bin", "python") }

func (c Cache) jars() string    { return c.path("kafka", "lib") }
func (c Cache) minio() string   { return c.path("bin", "minio") }
func (c Cache) versity() string { return c.path("bin", "versitygw") }
