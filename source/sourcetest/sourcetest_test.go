package sourcetest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
	"github.com/penstock/penstock/source/sourcetest"
)

// numbers is a sound source of the numbers below twelve, three to a page, of which seven cannot be read. An offset is the number that
// comes next. Its pages may be changed, and so may its splits.
type numbers struct {
	change func(p *source.Page, from int)
	splits func() []string
	deaf   bool // to the end of a context
}

func (s numbers) Splits(context.Context) ([]string, error) {
	if s.splits != nil {
		return s.splits(), nil
	}
	return []string{"even", "odd"}, nil
}

func (s numbers) Read(ctx context.Context, split string, after source.Offset) iter.Seq2[source.Page, error] {
	return func(yield func(source.Page, error) bool) {
		from, _ := strconv.Atoi(string(after)) // 0 for nil
		for ; from < 12 && (s.deaf || ctx.Err() == nil); from = from/3*3 + 3 {
			p := page(split, from)
			if s.change != nil {
				s.change(&p, from)
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

func page(split string, from int) source.Page {
	var p source.Page
	next := from/3*3 + 3
	for n := from; n < next; n++ {
		if n == 7 {
			p.Bad = append(p.Bad, record.Bad{Index: len(p.Records), Err: errors.New("seven")})
			p.Before = append(p.Before, at(n))
		}
		p.Records = append(p.Records, record.Record{Time: record.NoTime, Value: fmt.Append(nil, split, n)})
	}
	p.Next = at(next)
	return p
}

func at(n int) source.Offset { return source.Offset(strconv.Itoa(n)) }

func TestSound(t *testing.T) { sourcetest.Run(t, numbers{}) }

// TestBites breaks one promise after the other.
func TestBites(t *testing.T) {
	bites := func(broken, promise string, src source.Source) {
		parts.Bites(t, broken, promise, func(t *testing.T) { sourcetest.Run(t, src) })
	}
	changed := func(broken, promise string, change func(p *source.Page, from int)) {
		bites(broken, promise, numbers{change: change})
	}
	runs := 0
	changed("rows of the clock", "odd/same pages on every read", func(p *source.Page, _ int) {
		p.Records[0].Value = fmt.Append(nil, time.Now().UnixNano())
	})
	changed("a reason that changes", "odd/same pages on every read", func(p *source.Page, _ int) {
		for i := range p.Bad {
			runs++
			p.Bad[i].Err = fmt.Errorf("run %d", runs)
		}
	})
	changed("loses a row between pages", "odd/goes on after every page", func(p *source.Page, _ int) { p.Next = more(p.Next, 1) })
	changed("gives a row twice", "odd/goes on after every page", func(p *source.Page, _ int) { p.Next = more(p.Next, -1) })
	changed("a bad row's place is behind it", "odd/goes on before every bad row", func(p *source.Page, _ int) {
		for i := range p.Before {
			p.Before[i] = more(p.Before[i], 1)
		}
	})
	bites("heeds no context", "odd/ends with its context", numbers{deaf: true})
	bites("splits of the run", "splits are stable", numbers{splits: func() []string { runs++; return []string{fmt.Sprint("split", runs)} }})
	bites("a split twice", "splits are stable", numbers{splits: func() []string { return []string{"even", "even"} }})
	bites("goes on after a break", "odd/stops when told to", deaf{numbers{}})
	bites("readers share what they hold", "side by side", &shared{numbers: numbers{}})
}

func more(o source.Offset, n int) source.Offset {
	was, _ := strconv.Atoi(string(o))
	return at(was + n)
}

// deaf does not hear that nobody wants more.
type deaf struct{ numbers }

func (s deaf) Read(ctx context.Context, split string, after source.Offset) iter.Seq2[source.Page, error] {
	return func(yield func(source.Page, error) bool) {
		for p, err := range s.numbers.Read(ctx, split, after) {
			yield(p, err)
		}
	}
}

// shared has one place in all of its splits.
type shared struct {
	numbers
	open int
}

func (s *shared) Read(ctx context.Context, split string, after source.Offset) iter.Seq2[source.Page, error] {
	return func(yield func(source.Page, error) bool) {
		s.open++
		defer func() { s.open-- }()
		for p, err := range s.numbers.Read(ctx, split, after) {
			time.Sleep(5 * time.Millisecond) // for the other to begin
			if s.open > 1 {
				p.Records = p.Records[1:]
			}
			if !yield(p, err) {
				return
			}
		}
	}
}
