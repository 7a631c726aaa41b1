package glue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/penstock/penstock/plugin"
)

// Create is what a database and a crawler are made with. What is there already is left as it is.
type Create struct {
	Database string   `yaml:"database" required:"true" doc:"The database that the tables belong to, made if absent."`
	Role     string   `yaml:"role" required:"true" doc:"Name or ARN of the role that the crawler reads with."`
	Paths    []string `yaml:"paths" required:"true" doc:"The folders to crawl, a table each, as in s3://stock-lake/prices/stock/: all of the sink's bucket, prefix and path that stands before its first partition folder."`
	Prefix   string   `yaml:"table_prefix" doc:"What the names of the tables begin with."`
	Recrawl  string   `yaml:"recrawl" enum:"everything|new_folders" doc:"everything reads all folders each time, and so finds new columns; new_folders costs less on a large table, but adds partitions only: neither new tables nor new columns."`
}

// Default is where a Create starts from.
func (c *Create) Default() { c.Recrawl = "everything" }

// Check holds the paths to their form.
func (c *Create) Check() error {
	for _, p := range c.Paths {
		if rest, ok := strings.CutPrefix(p, "s3://"); !ok || rest == "" || strings.ContainsAny(p, "{}") {
			return plugin.Option("paths", fmt.Errorf("%q is not a folder of S3; write it as in s3://bucket/prices/stock/, up to the first partition folder", p))
		}
	}
	return nil
}

// grown makes one table of a path whatever its folders' columns, adds columns to it as they come, and has its partitions take
// the table's columns: Athena refuses a table whose partitions say otherwise.
const grown = `{"Version":1.0,` +
	`"Grouping":{"TableGroupingPolicy":"CombineCompatibleSchemas"},` +
	`"CrawlerOutput":{"Tables":{"AddOrUpdateBehavior":"MergeNewColumns"},"Partitions":{"AddOrUpdateBehavior":"InheritFromTable"}}}`

// make makes the database and the crawler. Another worker may do the same at the same time.
func (c *crawler) make(ctx context.Context) error {
	database := &sdk.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: &c.Create.Database}}
	if _, err := c.client.CreateDatabase(ctx, database); err != nil && !exists(err) {
		return err
	}
	if _, err := c.client.CreateCrawler(ctx, c.Create.input(c.Crawler)); err != nil && !exists(err) {
		return err
	}
	return nil
}

// input is the request for a crawler. No table or partition is ever deleted for want of files.
func (c *Create) input(name string) *sdk.CreateCrawlerInput {
	in := &sdk.CreateCrawlerInput{
		Name: &name, Role: &c.Role, DatabaseName: &c.Database, Targets: &types.CrawlerTargets{},
		Configuration:      sdkaws.String(grown),
		RecrawlPolicy:      &types.RecrawlPolicy{RecrawlBehavior: types.RecrawlBehaviorCrawlEverything},
		SchemaChangePolicy: &types.SchemaChangePolicy{UpdateBehavior: types.UpdateBehaviorUpdateInDatabase, DeleteBehavior: types.DeleteBehaviorLog},
	}
	if c.Prefix != "" {
		in.TablePrefix = &c.Prefix
	}
	for _, p := range c.Paths {
		in.Targets.S3Targets = append(in.Targets.S3Targets, types.S3Target{Path: &p})
	}
	if c.Recrawl == "new_folders" { // Glue takes no other policies with it
		in.RecrawlPolicy.RecrawlBehavior = types.RecrawlBehaviorCrawlNewFoldersOnly
		in.SchemaChangePolicy.UpdateBehavior = types.UpdateBehaviorLog
	}
	return in
}

func exists(err error) bool { return errors.As(err, new(*types.AlreadyExistsException)) }
