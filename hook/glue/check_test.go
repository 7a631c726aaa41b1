package glue

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A check asks, and neither starts nor makes anything.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		absent bool
		next   map[string][]string
		create bool
		want   string
	}{
		{"there", false, nil, false, ""},
		{"not there", true, nil, false, `crawler: glue: crawler "stock": `},
		{"will be made", true, nil, true, ""},
		{"never ran", false, map[string][]string{"ListCrawls": {"EntityNotFoundException"}}, false, ""},
		{"may not look", false, map[string][]string{"GetCrawler": {"AccessDeniedException"}}, false, "allow glue:GetCrawler to these credentials"},
		{"may not list", false, map[string][]string{"ListCrawls": {"AccessDeniedException"}}, false, "allow glue:ListCrawls to these credentials"},
		{"unknown account", false, map[string][]string{"GetCrawler": {"UnrecognizedClientException"}}, true, "check the credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, time.Minute)
			s.absent = c.absent
			if c.next != nil {
				s.next = c.next
			}
			h := s.worker(t, func(config *Config) {
				if c.create {
					config.Create = &Create{Database: "d", Role: "r", Paths: []string{"s3://b/p/"}}
				}
			})
			err := h.Check(t.Context())
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
			for _, asked := range s.asked {
				if !slices.Contains([]string{"GetCrawler", "ListCrawls"}, asked) {
					t.Errorf("it asks for %s", asked)
				}
			}
		})
	}
}
