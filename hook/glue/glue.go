// Package glue is the hook that starts an AWS Glue crawler, so that tables know of the files that became visible.
package glue

import (
	"context"
	"errors"
	"fmt"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/plugin"
)

// Config is a glue hook as connectors.yaml writes it.
type Config struct {
	aws.Config `yaml:",inline"`
	Crawler    string        `yaml:"crawler,short" required:"true" layout:"-" doc:"The crawler's name."`
	Poll       time.Duration `yaml:"poll" layout:"-" doc:"How often a crawler that is still running is looked at."`
}

// Defaults is what a Config holds before YAML is read into it.
func Defaults() Config { return Config{Poll: 5 * time.Second} }

// New makes the hook; it reads no credentials and sends nothing until Flushed.
func New(c Config) (hook.Hook, error) {
	var errs []error
	if c.Crawler == "" {
		errs = append(errs, plugin.Option("crawler", errors.New("a crawler needs a name; write crawler: NAME")))
	}
	if c.Poll <= 0 {
		errs = append(errs, plugin.Option("poll", fmt.Errorf("%v is not a time to wait; write it as in 5s", c.Poll)))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &crawler{Config: c}, nil
}

// crawler is the Hook.
type crawler struct {
	Config
	client *sdk.Client // made by the first call
}

// Flushed returns once a crawl has started that began after the call did: one that was running already may have passed by where
// the new files lie, so its end is waited for.
func (c *crawler) Flushed(ctx context.Context, e hook.Event) error {
	if len(e.Files) == 0 && !e.Recovered {
		return nil
	}
	if err := c.connect(ctx); err != nil {
		return fmt.Errorf("glue: crawler %q: %w", c.Crawler, err)
	}
	for {
		_, err := c.client.StartCrawler(ctx, &sdk.StartCrawlerInput{Name: &c.Crawler})
		if !busy(err) {
			return c.explain(err)
		}
		if err := c.ready(ctx); err != nil {
			return c.explain(err)
		}
	}
}

func (c *crawler) connect(ctx context.Context) error {
	if c.client != nil {
		return nil
	}
	loaded, err := aws.Load(ctx, c.Config.Config)
	if err == nil {
		c.client = sdk.NewFromConfig(loaded)
	}
	return err
}

// busy tells whether the crawler runs, stops, or is in its schedule's hands for a moment.
func busy(err error) bool {
	return errors.As(err, new(*types.CrawlerRunningException)) ||
		errors.As(err, new(*types.CrawlerStoppingException)) ||
		errors.As(err, new(*types.SchedulerTransitioningException))
}

// ready looks at the crawler until it is ready, after a wait even the first time: Glue may say READY a little too early.
func (c *crawler) ready(ctx context.Context) error {
	tick := time.NewTicker(c.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		got, err := c.client.GetCrawler(ctx, &sdk.GetCrawlerInput{Name: &c.Crawler})
		if err != nil || got.Crawler != nil && got.Crawler.State == types.CrawlerStateReady {
			return err
		}
	}
}

// remedies by the error codes of Glue and of what stands before it.
var remedies = map[string]string{
	"EntityNotFoundException":     "make the crawler in this account and region, or mend its name",
	"AccessDeniedException":       "allow glue:StartCrawler and glue:GetCrawler to these credentials",
	"UnrecognizedClientException": "check the credentials, and that they belong to this endpoint",
	"ExpiredTokenException":       "renew the credentials",
	"ThrottlingException":         "poll less often, or ask AWS for a higher rate",
}

// explain names the crawler and the remedy.
func (c *crawler) explain(err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) && remedies[api.ErrorCode()] != "" {
		return fmt.Errorf("glue: crawler %q: %w; %s", c.Crawler, err, remedies[api.ErrorCode()])
	}
	return fmt.Errorf("glue: crawler %q: %w", c.Crawler, err)
}
