package cmd

import (
	"context"
	"fmt"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/penstock/penstock/aws"
)

// catalog is the one that crawlers fill, by Athena's name for it.
const catalog = "AwsDataCatalog"

// questions is what to ask of Athena: no query is run.
func (b athenaBlock) questions() []question {
	all := []question{{"athena.workgroup", b.workgroup}}
	if b.Database != "" {
		all = append(all, question{"athena.database", b.database})
	}
	return all
}

func (b athenaBlock) client(ctx context.Context) (*athena.Client, error) {
	loaded, err := aws.Load(ctx, b.Config)
	return athena.NewFromConfig(loaded), err
}

func (b athenaBlock) workgroup(ctx context.Context) (string, error) {
	client, err := b.client(ctx)
	if err != nil {
		return "", err
	}
	got, err := client.GetWorkGroup(ctx, &athena.GetWorkGroupInput{WorkGroup: &b.Workgroup})
	switch {
	case err != nil:
		return "", refused(err)
	case got.WorkGroup == nil:
		return "", fmt.Errorf("athena: there is no workgroup %s; mend athena.workgroup", b.Workgroup)
	case got.WorkGroup.State == types.WorkGroupStateDisabled:
		return "", fmt.Errorf("athena: workgroup %s is disabled; enable it, or name another", b.Workgroup)
	}
	if b.Output == "" && !keepsResults(got.WorkGroup.Configuration) {
		return "", fmt.Errorf("athena: neither the workgroup %s nor athena.output says where results are kept; set output: s3://bucket/athena/", b.Workgroup)
	}
	return fmt.Sprintf("workgroup %s is enabled", b.Workgroup), nil
}

// keepsResults tells whether a workgroup has a place for results.
func keepsResults(c *types.WorkGroupConfiguration) bool {
	if c == nil {
		return false
	}
	place, managed := c.ResultConfiguration, c.ManagedQueryResultsConfiguration
	return place != nil && sdkaws.ToString(place.OutputLocation) != "" || managed != nil && managed.Enabled
}

func (b athenaBlock) database(ctx context.Context) (string, error) {
	client, err := b.client(ctx)
	if err != nil {
		return "", err
	}
	name := catalog
	if _, err := client.GetDatabase(ctx, &athena.GetDatabaseInput{CatalogName: &name, DatabaseName: &b.Database, WorkGroup: &b.Workgroup}); err != nil {
		return "", refused(err)
	}
	return fmt.Sprintf("database %s is there", b.Database), nil
}
