package dev

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

func TestGlue(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c := glue.New(glue.Options{Region: "us-east-1", BaseEndpoint: &s.AWS, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1})
	last := func() (crawl types.CrawlerHistory) {
		got, err := c.ListCrawls(t.Context(), &glue.ListCrawlsInput{CrawlerName: aws.String("stock")})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Crawls) > 0 {
			crawl = got.Crawls[0]
		}
		return crawl
	}
	start := func() error {
		_, err := c.StartCrawler(t.Context(), &glue.StartCrawlerInput{Name: aws.String("stock")})
		return err
	}
	if last().CrawlId != nil {
		t.Error("a crawl before the first")
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if err := start(); code(err) != "CrawlerRunningException" {
		t.Errorf("started while it runs: %v", err)
	}
	first := last()
	if first.State != types.CrawlerHistoryStateRunning || time.Since(*first.StartTime) > crawlTime || first.EndTime != nil {
		t.Errorf("once started: %+v", first)
	}
	time.Sleep(crawlTime)
	if ended := last(); ended.State != types.CrawlerHistoryStateCompleted || ended.EndTime == nil {
		t.Errorf("after its time: %+v", ended)
	}
	if err := start(); last().State != types.CrawlerHistoryStateRunning || *last().CrawlId == *first.CrawlId || err != nil {
		t.Errorf("started again: %v, %+v", err, last())
	}
	if _, err := c.GetTables(t.Context(), &glue.GetTablesInput{DatabaseName: aws.String("x")}); code(err) != "InvalidInputException" {
		t.Errorf("what it does not know: %v", err)
	}
	stop(t, s)
	again, err := Start(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Crawls("stock") != 2 || again.Crawls("other") != 0 {
		t.Errorf("%d crawls are remembered", again.Crawls("stock"))
	}
}
