package s3

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/penstock/penstock/aws"
)

// BenchmarkPut makes objects of 64 KiB, one an operation, at a server that only reads them.
func BenchmarkPut(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"1"`)
	}))
	defer server.Close()
	b.Setenv("AWS_ACCESS_KEY_ID", "key")
	b.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	s := newStore(Config{AWS: aws.Config{Region: "us-east-1", Endpoint: server.URL, PathStyle: true}, Bucket: "bucket"})
	if err := s.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer s.Idle()
	body := probe(make([]byte, 64<<10))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := s.put(b.Context(), fmt.Sprintf("stock/index=HSI/stock+0+%020d.json", i), map[string]string{"penstock-connector": "stock"}, body); err != nil {
			b.Fatal(err)
		}
	}
}
