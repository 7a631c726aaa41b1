package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// A crawler is one of moto's.
type crawler struct {
	name, url string
	client    *glue.Client
}

// newCrawler makes it. A crawl of moto's lasts a second here, as all tests say: moto knows one duration.
func newCrawler(t testing.TB, url, name string) *crawler {
	t.Helper()
	transition := `{"model_name": "glue::crawl", "transition": {"progression": "time", "seconds": 1}}`
	answer, err := http.Post(url+"/moto-api/state-manager/set-transition", "application/json", strings.NewReader(transition))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode >= 300 {
		t.Fatal(answer.Status)
	}
	c := &crawler{name, url, glue.New(glue.Options{
		Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})}
	if _, err := c.client.CreateCrawler(t.Context(), &glue.CreateCrawlerInput{Name: &name, Role: &name, Targets: &types.CrawlerTargets{}}); err != nil {
		t.Fatal(err)
	}
	return c
}

// crawls is when they began.
func (c *crawler) crawls(t testing.TB) (begun []time.Time) {
	t.Helper()
	list, err := c.client.ListCrawls(t.Context(), &glue.ListCrawlsInput{CrawlerName: &c.name})
	if err != nil {
		t.Fatal(err)
	}
	for _, crawl := range list.Crawls {
		begun = append(begun, sdk.ToTime(crawl.StartTime))
	}
	return begun
}
