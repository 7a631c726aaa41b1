package glue

import (
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/hook/hooktest"
	"github.com/penstock/penstock/parts"
)

// A database and a crawler are made, and two crawls run one after another, at a server that is not of our making.
func TestMoto(t *testing.T) {
	url := parts.Moto(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	defer http.DefaultClient.CloseIdleConnections()
	transition := `{"model_name": "glue::crawl", "transition": {"progression": "time", "seconds": 1}}`
	answer, err := http.Post(url+"/moto-api/state-manager/set-transition", "application/json", strings.NewReader(transition))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode >= 300 {
		t.Fatal(answer.Status)
	}
	h, err := New(Config{
		Config: aws.Config{Endpoint: url, Region: "us-east-1"}, Crawler: "glue-hook-test", Poll: 50 * time.Millisecond, Wait: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := h.(*crawler)
	if err := h.Flushed(t.Context(), hooktest.Event(1)); err == nil || !strings.Contains(err.Error(), "make the crawler") {
		t.Errorf("no crawler: %v", err)
	}
	c.Create = &Create{Database: "glue_hook_test", Role: "crawls", Paths: []string{"s3://stock-lake/prices/stock/"}, Recrawl: "everything"}
	defer func() {
		c.client.DeleteCrawler(t.Context(), &sdk.DeleteCrawlerInput{Name: &c.Crawler})
		c.client.DeleteDatabase(t.Context(), &sdk.DeleteDatabaseInput{Name: &c.Create.Database})
	}()
	for range 2 {
		if err := hooktest.Tell(t.Context(), h, hooktest.Event(1)); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(c.Report(), "crawl ended") {
		t.Errorf("reports %q", c.Report())
	}
	crawls, err := c.client.ListCrawls(t.Context(), &sdk.ListCrawlsInput{CrawlerName: &c.Crawler})
	if err != nil || len(crawls.Crawls) != 2 {
		t.Fatalf("%+v, %v", crawls, err)
	}
	first, second := crawls.Crawls[0].StartTime, crawls.Crawls[1].StartTime
	if first.After(*second) {
		first, second = second, first
	}
	if second.Sub(*first) < time.Second {
		t.Errorf("crawls began at %v and %v", first, second)
	}
	made, err := c.client.GetCrawler(t.Context(), &sdk.GetCrawlerInput{Name: &c.Crawler})
	if err != nil || *made.Crawler.DatabaseName != "glue_hook_test" || len(made.Crawler.Targets.S3Targets) != 1 {
		t.Errorf("%+v, %v", made, err)
	}
}
