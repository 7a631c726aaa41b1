// Package glue is the hook that starts an AWS Glue crawler, so that tables know of the files that became visible.
package glue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/hook"
	"github.com/penstock/penstock/plugin"
)

// Config is a glue hook as connectors.yaml writes it.
type Config struct {
	aws.Config  `yaml:",inline"`
	Crawler     string        `yaml:"crawler,short" required:"true" layout:"-" doc:"The crawler's name."`
	AtMostEvery time.Duration `yaml:"at_most_every" layout:"-" doc:"How long after a crawl began, whoever began it, the next one may. Glue bills ten minutes at least a crawl. With 0s the next begins when the last has ended."`
	Wait        bool          `yaml:"wait" layout:"-" doc:"Follow each crawl to its end: one that fails is tried again, and what one added is logged."`
	Create      *Create       `yaml:"create" layout:"-" doc:"What to make the database and the crawler with, where there is no such crawler."`
	Poll        time.Duration `yaml:"poll" layout:"-" doc:"How often a crawler that is still running is looked at."`
}

// Defaults is what a Config holds before YAML is read into it.
func Defaults() Config { return Config{AtMostEvery: 10 * time.Minute, Poll: 5 * time.Second} }

// Check holds the rules of the options; those of the aws block are its own.
func (c Config) Check() error {
	var errs []error
	if c.Poll <= 0 {
		errs = append(errs, plugin.Option("poll", fmt.Errorf("%v is not a time to wait; write it as in 5s", c.Poll)))
	}
	if c.AtMostEvery < 0 {
		errs = append(errs, plugin.Option("at_most_every", fmt.Errorf("%v is not a time to wait; write it as in 15m", c.AtMostEvery)))
	}
	return errors.Join(errs...)
}

// New makes the hook; it reads no credentials and sends nothing until Flushed.
func New(c Config) (hook.Hook, error) {
	if c.Crawler == "" {
		return nil, plugin.Option("crawler", errors.New("a crawler needs a name; write crawler: NAME"))
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &crawler{Config: c}, nil
}

// crawler is the Hook.
type crawler struct {
	Config
	options []func(*sdk.Options)
	client  *sdk.Client // made by the first call

	began  time.Time // before our last crawl was started: it covers what was visible by then
	before string    // the crawl that was the newest when ours was started
	report string
}

// Flushed returns nil once a crawl began that passes by all the event covers, whoever began it; and, to wait, once it has ended.
// While another crawl runs, or one began too short a time ago, the answer is *hook.Later.
func (c *crawler) Flushed(ctx context.Context, e hook.Event) error {
	if len(e.Files) == 0 && !e.Recovered {
		return nil
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	err := c.connect(ctx)
	if err == nil {
		err = c.crawl(ctx, e.Time)
	}
	if err == nil && c.Wait {
		err = c.follow(ctx, e.Time)
	}
	return c.explain(err)
}

// Report says, when crawls are followed, what the last one added.
func (c *crawler) Report() string { return c.report }

// tries is how often a request that Glue throttles is sent before Flushed returns with an error, with jittered backoff of at most
// slowest: the account's rate is shared with whatever else speaks to Glue.
const (
	tries   = 8
	slowest = 5 * time.Second
)

func (c *crawler) connect(ctx context.Context) error {
	if c.client != nil {
		return nil
	}
	loaded, err := aws.Load(ctx, c.Config.Config)
	if err == nil {
		often := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = tries, slowest })
		again := func(o *sdk.Options) { o.Retryer, o.RetryMaxAttempts = often, tries }
		c.client = sdk.NewFromConfig(loaded, append(c.options, again)...)
	}
	return err
}

// crawl returns nil once a crawl began after since.
func (c *crawler) crawl(ctx context.Context, since time.Time) error {
	if !since.After(c.began) {
		return nil
	}
	seen, err := c.look(ctx, since)
	if err != nil && !missing(err) { // StartCrawler tells no crawls from no crawler
		return err
	}
	if seen.covers(since) {
		c.before = ""
		return nil
	}
	if rest := seen.rest(c.AtMostEvery); rest > 0 { // Glue's clock shows whole seconds: near its end a rest comes out too short
		return &hook.Later{At: time.Now().Add(max(rest, c.pause()))}
	}
	if seen.running {
		return c.soon()
	}
	began := time.Now()
	err = c.start(ctx)
	if busy(err) {
		return c.soon()
	}
	if err == nil {
		c.began, c.before = began, seen.id()
	}
	return err
}

// soon is when to look at a busy crawler again.
func (c *crawler) soon() error { return &hook.Later{At: time.Now().Add(c.pause())} }

// pause is between two looks at the crawler: many workers do not look at once.
func (c *crawler) pause() time.Duration { return c.Poll/2 + rand.N(c.Poll) }

func (c *crawler) start(ctx context.Context) error {
	in := &sdk.StartCrawlerInput{Name: &c.Crawler}
	_, err := c.client.StartCrawler(ctx, in)
	if c.Create == nil || !missing(err) {
		return err
	}
	if err = c.make(ctx); err == nil {
		_, err = c.client.StartCrawler(ctx, in)
	}
	return err
}

// busy tells whether the crawler runs, stops, or is in its schedule's hands for a moment.
func busy(err error) bool {
	return errors.As(err, new(*types.CrawlerRunningException)) ||
		errors.As(err, new(*types.CrawlerStoppingException)) ||
		errors.As(err, new(*types.SchedulerTransitioningException))
}

func missing(err error) bool { return errors.As(err, new(*types.EntityNotFoundException)) }

// follow returns when the newest crawl, which covers since, has ended.
func (c *crawler) follow(ctx context.Context, since time.Time) error {
	tick := time.NewTicker(c.Poll)
	defer tick.Stop()
	for {
		seen, err := c.look(ctx, since)
		if err != nil {
			return err
		}
		if id := seen.id(); id != "" && id != c.before && !seen.running {
			return c.ended(seen)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// ended reports a crawl. After one that failed another has to begin.
func (c *crawler) ended(seen sight) error {
	if seen.failed() {
		c.began = time.Time{}
		return fmt.Errorf("crawl %s ended as %s: %s; look into %s, %s", seen.id(), seen.newest.State, text(seen.newest.ErrorMessage, "no reason is given"),
			text(seen.newest.LogGroup, "/aws-glue/crawlers"), text(seen.newest.LogStream, "the crawler's log"))
	}
	c.report = fmt.Sprintf("crawler %q: %s", c.Crawler, seen.added())
	return nil
}
