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
	state := func() types.CrawlerState {
		got, err := c.GetCrawler(t.Context(), &glue.GetCrawlerInput{Name: aws.String("stock")})
		if err != nil {
			t.Fatal(err)
		}
		return got.Crawler.State
	}
	start := func() error {
		_, err := c.StartCrawler(t.Context(), &glue.StartCrawlerInput{Name: aws.String("stock")})
		return err
	}
	if state() != types.CrawlerStateReady {
		t.Error("not ready at first")
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if err := start(); code(err) != "CrawlerRunningException" {
		t.Errorf("started while it runs: %v", err)
	}
	if state() != types.CrawlerStateRunning {
		t.Error("not running once started")
	}
	time.Sleep(crawlTime)
	if err := start(); state() != types.CrawlerStateRunning || err != nil {
		t.Errorf("started again: %v", err)
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
