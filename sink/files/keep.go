package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/penstock/penstock/sink"
)

const (
	keptPage  = 1000 // names that are asked about together
	keptSlots = 64   // requests for them that are under way at once
)

var (
	errUnread = errors.New("objects of this store cannot be read back")
	errNoMeta = errors.New("its file system keeps no extended attributes, so that files do not say which rows they hold; nothing can be verified there")
)

// Place is of sink.Keeper.
func (e *engine) Place(topic string) (store, prefix string) {
	if r, ok := e.store.(Reader); ok {
		store = r.Where()
	}
	return store, e.begins(topic)
}

// Names is of sink.Naming.
func (e *engine) Names(topic string) string {
	store, _ := e.Place(topic)
	if store == "" {
		return ""
	}
	return e.Service + " " + store + e.dir(e.Path.of(topic)) + e.Format.Ext()
}

// begins is what the names of all files of a topic begin with.
func (e *engine) begins(topic string) string {
	text, whole := e.Path.stem(topic)
	if !whole {
		return e.Prefix + text
	}
	return e.dir(text)
}

// Objects is of sink.Keeper.
func (e *engine) Objects(ctx context.Context, topic string, within func(int32) (int64, int64)) iter.Seq2[sink.Object, error] {
	return func(yield func(sink.Object, error) bool) {
		r, ok := e.store.(Reader)
		if !ok {
			yield(sink.Object{}, errUnread)
			return
		}
		k := keeping{engine: e, topic: visible(topic), within: within, last: map[int32]sink.Object{}, next: map[int32]sink.Object{}}
		for name, err := range r.Walk(ctx, e.begins(topic)) {
			if err != nil {
				yield(sink.Object{}, err)
				return
			}
			if k.add(name); len(k.page) == keptPage && !k.give(ctx, yield) {
				return
			}
		}
		k.page = slices.AppendSeq(slices.AppendSeq(k.page, maps.Values(k.last)), maps.Values(k.next))
		k.give(ctx, yield)
	}
}

// keeping is what was found of a topic and has not been given.
type keeping struct {
	engine *engine
	topic  string // as names have it
	within func(int32) (int64, int64)
	page   []sink.Object
	last   map[int32]sink.Object // before what is wanted, by partition
	next   map[int32]sink.Object // after it
}

// add takes a name in, if it is wanted. What readers do not see is not.
func (k *keeping) add(name string) {
	o := sink.Object{Name: name, Partition: -1}
	base := path.Base(name)
	topic, partition, first, ok := parseName(base)
	switch {
	case ok && topic != k.topic || hidden(base):
		return
	case ok:
		o.Partition, o.First = partition, first
		from, to := k.within(partition)
		last, is := k.last[partition]
		next, also := k.next[partition]
		switch {
		case first < from:
			if !is || last.First < first {
				k.last[partition] = o
			}
			return
		case first >= to:
			if !also || next.First > first {
				k.next[partition] = o
			}
			return
		}
	}
	k.page = append(k.page, o)
}

// parseName takes a file's name apart, as stem and name put it together.
func parseName(base string) (topic string, partition int32, first int64, ok bool) {
	fields := strings.Split(base, "+")
	if len(fields) != 3 {
		return "", 0, 0, false
	}
	p, err := strconv.ParseUint(fields[1], 10, 31)
	number, _, dot := strings.Cut(fields[2], ".")
	n, err2 := strconv.ParseInt(number, 10, 64)
	return fields[0], int32(p), n, err == nil && err2 == nil && dot && len(number) == 20
}

// give asks about the page, and gives those that are there and somebody's.
func (k *keeping) give(ctx context.Context, yield func(sink.Object, error) bool) bool {
	group, asked := errgroup.WithContext(ctx)
	group.SetLimit(keptSlots)
	for i := range k.page {
		group.Go(func() error { return k.engine.ask(asked, &k.page[i]) })
	}
	if err := group.Wait(); err != nil {
		yield(sink.Object{}, err)
		return false
	}
	for _, o := range k.page {
		gone := o.Name == ""
		stranger := o.Partition < 0 && o.Alien != ""
		if !gone && !stranger && !yield(o, nil) {
			return false
		}
	}
	k.page = k.page[:0]
	return true
}

// ask fills in what an object says of itself. One that is gone has no name then.
func (e *engine) ask(ctx context.Context, o *sink.Object) error {
	meta, size, err := e.store.Stat(ctx, o.Name)
	if errors.Is(err, fs.ErrNotExist) {
		*o = sink.Object{}
		return nil
	}
	if err != nil {
		return err
	}
	if meta == nil {
		store, prefix := e.Place("")
		return fmt.Errorf("%s: %w", store+prefix, errNoMeta)
	}
	o.Bytes = size
	o.Is, o.Alien = sink.ReadMark(texts(meta))
	return nil
}
