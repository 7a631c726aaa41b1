package cmd

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// bucketOf is the folder, of those in a store, in which an object is a plain file.
func bucketOf(store, name string) (string, bool) {
	buckets, _ := os.ReadDir(store)
	for _, b := range buckets {
		dir := filepath.Join(store, b.Name())
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && !strings.HasPrefix(b.Name(), ".") {
			return dir, true
		}
	}
	return "", false
}

// query is the SQL by which DuckDB reads the objects of a sink from its bucket's folder, with the columns that their paths say.
func query(bucket string, names []string) string {
	folder := pattern(names)
	file := path.Base(names[0])
	_, ext, _ := strings.Cut(file[strings.LastIndexByte(file, '+')+1:], ".")
	read, more := "read_json", ""
	if strings.HasSuffix(ext, "parquet") {
		read = "read_parquet"
	}
	if strings.Contains(folder, "=") {
		more = ", hive_partitioning = true"
	}
	glob := path.Join(bucket, folder, "*."+ext)
	return fmt.Sprintf("SELECT * FROM %s('%s'%s) LIMIT 5", read, strings.ReplaceAll(glob, "'", "''"), more)
}

// pattern is the folders of objects of one template as a glob: what a column says, and what differs, is *.
func pattern(names []string) string {
	var all []string
	for _, name := range names {
		for i, folder := range strings.Split(path.Dir(name), "/") {
			if column, _, ok := strings.Cut(folder, "="); ok {
				folder = column + "=*"
			}
			switch {
			case i == len(all):
				all = append(all, folder)
			case all[i] != folder:
				all[i] = "*"
			}
		}
	}
	return strings.Join(all, "/")
}

// quoted is an argument as shells take it.
func quoted(arg string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(arg) + `"`
}
