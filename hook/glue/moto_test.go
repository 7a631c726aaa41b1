package glue

import (
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/parts"
)

// A second flush while a crawl runs starts another crawl after it, at a server that is not of our making.
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
	h, err := New(Config{Config: aws.Config{Endpoint: url, Region: "us-east-1"}, Crawler: "glue-hook-test", Poll: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	c := h.(*crawler)
	if err := h.Flushed(t.Context(), flushed); err == nil || !strings.Contains(err.Error(), "make the crawler") {
		t.Errorf("no crawler: %v", err)
	}
	_, err = c.client.CreateCrawler(t.Context(), &sdk.CreateCrawlerInput{Name: &c.Crawler, Role: &c.Crawler, Targets: &types.CrawlerTargets{}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.client.DeleteCrawler(t.Context(), &sdk.DeleteCrawlerInput{Name: &c.Crawler})
	for range 2 {
		if err := h.Flushed(t.Context(), flushed); err != nil {
			t.Fatal(err)
		}
	}
	crawls, err := c.client.ListCrawls(t.Context(), &sdk.ListCrawlsInput{CrawlerName: &c.Crawler})
	if err != nil || len(crawls.Crawls) != 2 {
		t.Fatalf("%+v, %v", crawls, err)
	}
	first, second := crawls.Crawls[1], crawls.Crawls[0]
	if first.StartTime.After(*second.StartTime) {
		first, second = second, first
	}
	if first.EndTime == nil && second.StartTime.Sub(*first.StartTime) < time.Second {
		t.Errorf("crawls began at %v and %v", first.StartTime, second.StartTime)
	}
}
