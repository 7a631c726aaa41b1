package connector

import (
	"errors"
	"fmt"
	"slices"

	"github.com/penstock/penstock/formats"
	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
)

// disposal says what becomes of a bad record of a source: with nil it is left out of what is stored, with an error its split stops
// before it. It was refused by somebody, in one of Kafka Connect's stages.
type disposal func(rec *record.Record, why error, stage string, by any) error

// disposal is the policy that the config asks for.
func (r *Run) disposal(split string, s *sieve) disposal {
	switch r.Config.Errors.OnBadRecord {
	case "skip":
		return func(*record.Record, error, string, any) error { return nil }
	case "dead_letter":
		return func(rec *record.Record, why error, stage string, by any) error {
			s.dead = append(s.dead, letter(r.Config.Errors.Topic, rec, header{"connector.name", r.Name}, header{"task.id", split},
				header{"stage", stage}, header{"class.name", fmt.Sprintf("%T", by)}, reason(why), r.message(why)))
			return nil
		}
	}
	return func(_ *record.Record, why error, _ string, _ any) error {
		return fmt.Errorf("%w; mend it and start again, or set errors: {on_bad_record: skip} or dead_letter", why)
	}
}

// disposed counts what was taken out of a page that is stored.
func (r *Run) disposed(s *sieve) {
	if dead := len(s.dead); dead > 0 {
		r.Status.observe(func(o Observer) { o.Bad("dead_letter", dead) })
	}
	if skipped := s.out - len(s.dead); skipped > 0 {
		r.Status.skipped.Add(int64(skipped))
		r.Status.observe(func(o Observer) { o.Bad("skip", skipped) })
	}
}

// sieve makes pages fit to be stored. One split uses it.
type sieve struct {
	source  source.Source
	codec   formats.Codec
	dispose disposal
	out     int           // how many records of the page were taken out
	dead    []kafka.Entry // those of them that are dead letters
	sound   []record.Record
	room    []byte // the page's values
}

// sift encodes a page's records, into memory that the next page's go to, and takes the bad ones out. With stop, the page ends before
// the record at fault; or, where its source cannot go on there, its Next is nil, and nothing of it is to be stored.
func (s *sieve) sift(page *source.Page) (stop, err error) {
	s.out, s.dead = 0, nil
	if stop = s.takeOut(page); page.Schema != nil {
		refused, err := s.encode(page)
		if err != nil || refused != nil {
			return refused, err
		}
	}
	return stop, nil
}

// takeOut is for what the source could not read.
func (s *sieve) takeOut(page *source.Page) (stop error) {
	if len(page.Bad) == 0 {
		return nil
	}
	sound, at := s.sound[:0], 0
	for i, bad := range page.Bad {
		sound = append(sound, page.Records[at:bad.Index]...)
		at = bad.Index + 1
		if stop = s.dispose(&page.Records[bad.Index], bad.Err, "TASK_POLL", s.source); stop == nil {
			s.out++
			continue
		}
		if i >= len(page.Before) {
			return s.nothing(page, stop)
		}
		page.Next, page.AtEnd, at = page.Before[i], false, len(page.Records)
		break
	}
	s.sound = append(sound, page.Records[at:]...)
	page.Records, page.Bad, page.Before = s.sound, nil, nil
	return stop
}

// encode makes the values, and takes out what has none.
func (s *sieve) encode(page *source.Page) (stop, err error) {
	page.Room = slices.Grow(s.room[:0], 1) // not nil
	for at := 0; at < len(page.Records); {
		rest := page.Batch
		rest.Records = page.Records[at:]
		err := s.codec.Encode(&rest)
		s.room = rest.Room
		var bad *record.Bad
		if !errors.As(err, &bad) {
			return nil, err
		}
		rest.Records = rest.Records[:bad.Index]
		if err := s.codec.Encode(&rest); err != nil {
			return nil, err
		}
		page.Room = rest.Room
		at += bad.Index
		if stop := s.dispose(&page.Records[at], bad.Err, "VALUE_CONVERTER", s.codec); stop != nil {
			return s.nothing(page, stop), nil
		}
		s.out++
		page.Records = slices.Concat(page.Records[:at], page.Records[at+1:])
	}
	return nil, nil
}

// nothing leaves nothing of a page.
func (s *sieve) nothing(page *source.Page, stop error) error {
	*page, s.out, s.dead = source.Page{}, 0, nil
	return stop
}
