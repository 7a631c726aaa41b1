package glue

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock/penstock/hook/hooktest"
)

func making(recrawl string) func(*Config) {
	return func(c *Config) {
		c.Create = &Create{Database: "stock", Role: "crawls", Paths: []string{"s3://stock-lake/prices/stock/", "s3://stock-lake/raw/"}, Recrawl: recrawl}
	}
}

func TestCreate(t *testing.T) {
	for _, tt := range []struct{ recrawl, behavior, update string }{
		{"everything", "CRAWL_EVERYTHING", "UPDATE_IN_DATABASE"},
		{"new_folders", "CRAWL_NEW_FOLDERS_ONLY", "LOG"},
	} {
		s := newService(t, time.Minute)
		s.absent = true
		synctest.Test(t, func(t *testing.T) {
			h := s.worker(t, making(tt.recrawl))
			told(t, h)
			time.Sleep(time.Second)
			told(t, h)
			if len(s.crawls) != 2 || s.count("CreateDatabase") != 1 || s.count("CreateCrawler") != 1 {
				t.Errorf("asked for %q", s.asked)
			}
			var config map[string]any
			in := s.requests["CreateCrawler"]
			if err := json.Unmarshal([]byte(in["Configuration"].(string)), &config); err != nil {
				t.Error(err)
			}
			delete(in, "Configuration")
			got, err := json.Marshal(in)
			want := `{"DatabaseName":"stock","Name":"stock","RecrawlPolicy":{"RecrawlBehavior":"` + tt.behavior + `"},"Role":"crawls",` +
				`"SchemaChangePolicy":{"DeleteBehavior":"LOG","UpdateBehavior":"` + tt.update + `"},` +
				`"Targets":{"S3Targets":[{"Path":"s3://stock-lake/prices/stock/"},{"Path":"s3://stock-lake/raw/"}]}}`
			if err != nil || string(got) != want {
				t.Errorf("%v, it was made as\n%s, not\n%s", err, got, want)
			}
		})
	}
}

func TestCreateMeetsOthersAndRefusals(t *testing.T) {
	for _, tt := range []struct{ operation, code, want string }{
		{"CreateDatabase", "AlreadyExistsException", ""},
		{"CreateCrawler", "AlreadyExistsException", "make the crawler"}, // and yet there is none
		{"CreateDatabase", "AccessDeniedException", "allow glue:CreateDatabase"},
		{"CreateCrawler", "AccessDeniedException", "iam:PassRole"},
		{"CreateCrawler", "InvalidInputException", "CreateCrawler"},
	} {
		s := newService(t, time.Minute)
		s.absent = true
		s.next[tt.operation] = []string{tt.code}
		synctest.Test(t, func(t *testing.T) {
			err := s.worker(t, making("everything")).Flushed(t.Context(), hooktest.Event(1))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%s of %s: %v", tt.code, tt.operation, err)
			}
		})
	}
}
