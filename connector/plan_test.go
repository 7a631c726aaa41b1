package connector

import (
	"reflect"
	"strings"
	"testing"

	"github.com/penstock/penstock/kafka"
)

func TestMemoComesBack(t *testing.T) {
	owed := int64(0)
	for _, m := range []memo{
		{Version: 1, Layout: "a1"},
		{Version: 1, Layout: "a1", Topic: "t-id", End: 1 << 60, Schema: 3, Owed: &owed, Before: 1 << 50},
	} {
		mark := m.mark(42)
		got, err := readMemo(mark)
		if err != nil || mark.Offset != 42 || !reflect.DeepEqual(got, m) {
			t.Errorf("%s comes back as %+v, %v", mark.Metadata, got, err)
		}
		if len(mark.Metadata) > 4096 {
			t.Errorf("%d bytes, above what brokers take", len(mark.Metadata))
		}
	}
}

func TestMemoOfNothing(t *testing.T) {
	m, err := readMemo(kafka.Mark{Offset: 7})
	if err != nil || m.End != 0 || m.Owed != nil || m.Topic != "" {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestMemosThatAreRefused(t *testing.T) {
	const foreign = "the committed offset's metadata is not penstock's: "
	for metadata, want := range map[string]string{
		"AgAAAZ": foreign + `"AgAAAZ"; another program uses this group`,
		`{"host":"worker-1","owner":"another program"}`: foreign,
		`{}`:                             foreign,
		`null`:                           foreign,
		`[1]`:                            foreign,
		`{"v":1}`:                        foreign,
		`{"v":2,"end":9,"layout":"a"}`:   "is of version 2, this penstock knows 1; run the one that wrote it, or a later one",
		`{"v":1,"end":41,"layout":"a"}`:  "the committed plan ends at offset 41, before it begins at 42",
		`{"v":1,"end":-1,"layout":"a"}`:  "the committed plan ends at offset -1, before it begins at 42",
		strings.Repeat("x", 4096):        foreign + `"` + strings.Repeat("x", 80) + `"; another`,
		`{"v":1,"end":"9","layout":"a"}`: foreign,
		`{"v":1,"end":9223372036854775808,"layout":"a"}`: foreign,
		`{"v":1,"layout":"a","schema":-1}`:               "the committed offset's metadata is damaged: ",
		`{"v":1,"layout":"a","owed":-1}`:                 "is damaged: \"{\\\"v\\\":1,\\\"layout\\\":\\\"a\\\",\\\"owed\\\":-1}\"; set the group's offset anew, to 42",
	} {
		if m, err := readMemo(kafka.Mark{Offset: 42, Metadata: metadata}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %+v, %v; want %s", metadata, m, err, want)
		}
	}
}
