// Package cmd is the command line.
package cmd

import (
	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/formats/parquet"
	"github.com/penstock/penstock/hook/glue"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/sink/local"
	"github.com/penstock/penstock/sink/s3"
	"github.com/penstock/penstock/source/csv"
)

// Builtin is everything that penstock brings along. Add to it what is your own, and hand it to Main.
func Builtin() *plugin.Registry {
	r := plugin.New()
	plugin.Block(r, "aws", aws.Config{})
	plugin.Block(r, "athena", athenaDefaults())
	plugin.Add(r, "csv", csv.Defaults(), csv.New)
	plugin.Add(r, "s3", s3.Defaults(), s3.New)
	plugin.Add(r, "local", local.Defaults(), local.New)
	plugin.Add(r, "json", json.CodecDefaults(), json.NewCodec)
	plugin.Add(r, "json", json.Defaults(), json.New)
	plugin.Add(r, "parquet", parquet.Defaults(), parquet.New)
	plugin.Add(r, "glue", glue.Defaults(), glue.New)
	return r
}
