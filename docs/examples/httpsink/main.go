// Command httpsink is penstock with a sink of our own, which PUTs the rows of each interval below a URL, once.
package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/penstock/penstock/cmd"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/sink"
)

type config struct {
	URL     string        `yaml:"url,short" required:"true" doc:"Where objects are PUT below."`
	Timeout time.Duration `yaml:"timeout" layout:"-" doc:"How long a request may take."`
}

func newSink(c config) (sink.Sink, error) {
	client := &http.Client{Timeout: c.Timeout}
	return sink.Put(func(ctx context.Context, m sink.Mark, b *record.Batch) (int64, error) {
		var lines bytes.Buffer
		for _, r := range b.Records {
			lines.Write(r.Value)
			lines.WriteByte('\n')
		}
		size := int64(lines.Len())
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.URL+"/"+m.Name(), &lines)
		if err != nil {
			return 0, err
		}
		req.Header.Set("If-None-Match", "*")
		for key, text := range m.Texts() {
			req.Header.Set(key, text)
		}
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusPreconditionFailed: // something stands there
			_, err = m.Judge(m.Name(), resp.Header.Get)
		case resp.StatusCode/100 != 2:
			err = fmt.Errorf("PUT %s: %s", req.URL, resp.Status)
		}
		return size, err
	}), nil
}

func main() {
	r := cmd.Builtin()
	plugin.Add(r, "http", config{Timeout: 10 * time.Second}, newSink)
	cmd.Main(r)
}
