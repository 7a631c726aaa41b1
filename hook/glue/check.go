package glue

import (
	"context"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/penstock/penstock/plugin"
)

// Check is of sink.Checked: the crawler is there, or would be made, and its crawls may be listed. Whether it may be started only a
// start shows.
func (c *crawler) Check(ctx context.Context) error {
	own := crawler{Config: c.Config, options: c.options} // Flushed may be under way
	err := own.connect(ctx)
	if err == nil {
		_, err = own.client.GetCrawler(ctx, &sdk.GetCrawlerInput{Name: &c.Crawler})
	}
	switch {
	case missing(err) && c.Create != nil:
		return nil
	case missing(err):
		return plugin.Option("crawler", c.explain(err))
	case err == nil:
		if _, err = own.look(ctx, time.Now()); missing(err) { // there were no crawls yet
			err = nil
		}
	}
	return c.explain(err)
}
