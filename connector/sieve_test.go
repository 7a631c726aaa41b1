package connector

import (
	"errors"
	"strings"
	"testing"

	"github.com/penstock/penstock/formats/json"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
)

// pageOf makes a page of a row a letter: ! cannot be read by the source, ? has no place in JSON.
func pageOf(rows string, marks bool) source.Page {
	p := source.Page{Next: source.Offset("next"), AtEnd: true}
	p.Schema = &record.Schema{Columns: []record.Column{{Name: "c", Type: record.Type{Kind: record.String}}}}
	for i, r := range rows {
		cell := record.StringOf(string(r))
		switch r {
		case '!':
			p.Bad = append(p.Bad, record.Bad{Index: i, Err: errors.New("line " + string(rune('1'+i)))})
			if p.Records = append(p.Records, record.Record{Value: []byte("!")}); marks {
				p.Before = append(p.Before, source.Offset("before "+string(rune('1'+i))))
			}
			continue
		case '?':
			cell = record.StringOf("\xff")
		}
		p.Records = append(p.Records, record.Record{Row: []record.Value{cell}})
	}
	return p
}

func TestSieve(t *testing.T) {
	codec, err := json.NewCodec(json.CodecConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		rows, policy string
		marks        bool
		kept, next   string
		out          int
		stop         string
	}{
		{"abc", "stop", true, "abc", "next", 0, ""},
		{"", "stop", true, "", "next", 0, ""},
		{"a!b!!c", "skip", true, "abc", "next", 3, ""},
		{"!a!", "skip", false, "a", "next", 2, ""},
		{"!", "skip", false, "", "next", 1, ""},
		{"a?b??c", "skip", true, "abc", "next", 3, ""},
		{"?!a!?b?", "skip", true, "ab", "next", 5, ""},
		{"ab!c!", "stop", true, "ab", "before 3", 0, "line 3; mend it"},
		{"!a", "stop", true, "", "before 1", 0, "line 1; mend it"},
		{"ab!c", "stop", false, "", "", 0, "line 3; mend it"},
		{"ab?c", "stop", true, "", "", 0, "not valid UTF-8"},
		{"a?b!", "stop", true, "", "", 0, "not valid UTF-8"}, // the first of the two
	} {
		r := &Run{Config: Config{Errors: Errors{OnBadRecord: tt.policy}}}
		s := sieve{codec: codec}
		s.dispose = r.disposal("split", &s)
		for range 2 { // a sieve is used again
			p := pageOf(tt.rows, tt.marks)
			stop, err := s.sift(&p)
			var kept strings.Builder
			for _, r := range p.Records {
				kept.WriteString(strings.TrimSuffix(strings.TrimPrefix(string(r.Value), `{"c":"`), `"}`))
			}
			if err != nil || kept.String() != tt.kept || string(p.Next) != tt.next || s.out != tt.out || len(p.Bad) > 0 || p.AtEnd != (tt.stop == "") {
				t.Errorf("%s, %s: kept %q, next %q, %d out, %v %v", tt.rows, tt.policy, kept.String(), p.Next, s.out, stop, err)
			}
			if (stop == nil) != (tt.stop == "") || stop != nil && !strings.Contains(stop.Error(), tt.stop) {
				t.Errorf("%s, %s: %v", tt.rows, tt.policy, stop)
			}
		}
	}
}

// TestDeadRowsSayWhoRefusedThem: the source, or the codec.
func TestDeadRowsSayWhoRefusedThem(t *testing.T) {
	codec, err := json.NewCodec(json.CodecConfig{})
	if err != nil {
		t.Fatal(err)
	}
	r := &Run{Config: Config{Errors: Errors{OnBadRecord: "dead_letter", Topic: "dead"}}}
	s := sieve{source: rows{}, codec: codec}
	s.dispose = r.disposal("split", &s)
	p := pageOf("a?!", true)
	if stop, err := s.sift(&p); stop != nil || err != nil || len(s.dead) != 2 {
		t.Fatalf("%d dead, %v %v", len(s.dead), stop, err)
	}
	for i, want := range []string{"TASK_POLL connector.rows", "VALUE_CONVERTER *json.codec"} {
		said := map[string]string{}
		for _, h := range s.dead[i].Headers {
			said[strings.TrimPrefix(h.Key, "__connect.errors.")] = string(h.Value)
		}
		if got := said["stage"] + " " + said["class.name"]; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// rows is a source that is not read.
type rows struct{ source.Source }
