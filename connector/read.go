package connector

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/record"
	"github.com/penstock/penstock/source"
	"golang.org/x/sync/errgroup"
)

// offsetPartitions is how many partitions the topic of source offsets is made with: so many workers can share a source's splits.
// Those that somebody adds stay without splits, or offsets would be looked for where they are not.
const offsetPartitions = 8

// splitsAtOnce bounds how many splits of a connector a process reads side by side, each with a client and a page in memory: of those
// that end, since the others would never make room.
const splitsAtOnce = 8

// read is the journey in: a source into its topic. Workers share the splits by a group on the topic of source offsets: a split
// belongs to whoever owns the partition that its offset is kept in.
func (r *Run) read(ctx context.Context) error {
	a, err := r.Client.Admin()
	if err != nil {
		return err
	}
	defer a.Close()
	if _, err = a.Ensure(ctx, kafka.Topic{Name: r.Config.Topic.Name, Partitions: r.Config.Topic.Partitions}); err != nil {
		return err
	}
	if err := r.deadTopic(ctx, a); err != nil {
		return err
	}
	offsets := r.Client.Config.OffsetsTopic
	n, err := a.Ensure(ctx, kafka.Topic{Name: offsets, Partitions: offsetPartitions, Compact: true})
	if err != nil {
		return err
	}
	splits, err := r.Config.Source.Splits(ctx)
	if err != nil {
		return err
	}
	mine := map[int32][]string{}
	for _, s := range splits {
		i := partitionOf(r.Name, s, min(n, offsetPartitions))
		mine[i] = append(mine[i], s)
	}
	left := newCountdown(&r.Status.Finished, &r.Status.Alone, n)
	slots := r.slots(len(splits))
	return r.Client.Consume(ctx, kafka.Group{
		Name: r.Group(), Topics: []string{offsets}, Idle: true, Revoke: r.Client.Session() / 2, Drain: drainTime, Changed: r.changed,
		Taken: func(n int) { left.change(n, 0) },
		Own: func(ctx context.Context, p *kafka.Partition) error {
			finished, err := r.readSplits(ctx, p, mine[p.ID], slots, left)
			left.change(-1, -finished)
			return err
		},
	})
}

// partitionOf is the partition of the offsets topic that a split's offset is kept in.
func partitionOf(connector, split string, partitions int) int32 {
	h := fnv.New32a()
	h.Write([]byte(connector + "/" + split))
	return int32(h.Sum32() % uint32(partitions))
}

// readSplits reads the splits that came with p, and then waits until p has to be given up. It says 1 if all were read to the end,
// or to the end of what was there. A split whose policy stops it is held, and the others go on.
func (r *Run) readSplits(ctx context.Context, p *kafka.Partition, splits []string, slots chan struct{}, left *countdown) (finished int, err error) {
	var unread atomic.Int64
	unread.Store(int64(len(splits)) + 1)
	read := func() {
		if unread.Add(-1) == 0 {
			left.change(0, 1)
		}
	}
	group, reading := errgroup.WithContext(untilStopped(ctx, p))
	for _, s := range splits {
		r.Status.reached(s, nil)
		group.Go(func() error {
			defer r.release(s) // or it would stay held here when it is another's
			for pauses := (Backoff{First: shortestHold, Most: longestHold}); ; {
				select {
				case slots <- struct{}{}:
				case <-reading.Done():
					return nil
				}
				err := r.readSplit(reading, p, s, read)
				<-slots
				if !errors.As(err, &stopped{}) || !r.holdSplit(reading, s, err, pauses.Next()) {
					return err
				}
			}
		})
	}
	read()
	err = group.Wait()
	switch {
	case p.Stopping() || ctx.Err() != nil:
		err = nil
	case err == nil:
		<-untilStopped(ctx, p).Done()
	}
	if unread.Load() == 0 {
		finished = 1
	}
	return finished, err
}

// slots has room for the splits that are read at once.
func (r *Run) slots(splits int) chan struct{} {
	if option, _ := r.Config.Endless(); option != "" {
		return make(chan struct{}, splits)
	}
	return make(chan struct{}, splitsAtOnce)
}

// untilStopped ends with ctx, or when p takes no more rows.
func untilStopped(ctx context.Context, p *kafka.Partition) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-p.Stopped():
		case <-ctx.Done():
		}
		cancel()
	}()
	return ctx
}

// stored counts a page.
func (r *Run) stored(b *record.Batch) {
	seen := Flushed{Rows: int64(len(b.Records))}
	for i := range b.Records {
		seen.Bytes += int64(len(b.Records[i].Value))
	}
	r.Status.Stored.Add(seen.Rows)
	r.Status.durable()
	r.Status.observe(func(o Observer) { o.Flushed(seen) })
}

// readSplit stores a split's pages, each together with the offset that follows it, from the last one stored on. It calls read
// once, when nothing more is there. The error is stopped when a bad record or the source ended it: all before that is stored.
func (r *Run) readSplit(ctx context.Context, p *kafka.Partition, split string, read func()) error {
	id := r.Name + "/" + split
	defer r.Status.asks(split, "")
	r.Status.asks(split, "to be the only one who writes it")
	producer, err := r.Client.Producer(ctx, id)
	if err != nil {
		return err
	}
	defer producer.Close()
	r.Status.asks(split, "how far it has been read")
	table, err := r.Client.Table(ctx, p.Topic, p.ID) // after the producer: nobody else can add to what it says now
	if err != nil {
		return err
	}
	r.Status.asks(split, "")
	r.Status.reached(split, table[id])
	told := false
	sieve := sieve{source: r.Config.Source, codec: r.Config.Codec}
	sieve.dispose = r.disposal(split, &sieve)
	mark := kafka.Entry{Topic: p.Topic, Partition: p.ID, Record: record.Record{Time: record.NoTime, Key: []byte(id)}}
	for page, err := range r.Config.Source.Read(ctx, split, source.Offset(table[id])) {
		if err != nil {
			err = stopped{err}
		} else if err = r.storePage(ctx, producer, split, mark, &sieve, &page); err == nil {
			r.release(split)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", split, err)
		}
		r.Status.reached(split, page.Next)
		if page.AtEnd && !told {
			told = true
			read()
		}
	}
	if ctx.Err() == nil {
		r.release(split)
	}
	if ctx.Err() == nil && !told {
		read()
	}
	return ctx.Err()
}

// storePage makes a page durable, without its bad records, and with it the mark's offset. The error is stopped where the policy
// goes no further: what is before that is stored.
func (r *Run) storePage(ctx context.Context, producer *kafka.Producer, split string, mark kafka.Entry, s *sieve, page *source.Page) error {
	stop, err := s.sift(page)
	if err != nil {
		return err
	}
	if mark.Value = page.Next; page.Next != nil {
		point("before store")
		r.Status.asks(split, "to take its rows")
		if err := producer.Store(ctx, r.Config.Topic.Name, &page.Batch, append(s.dead, mark)...); err != nil {
			return err
		}
		r.Status.asks(split, "")
		point("stored")
		r.stored(&page.Batch)
		r.disposed(s)
	}
	if stop != nil {
		return stopped{stop}
	}
	return nil
}

// How long a split that is held is left alone before it is tried again.
const (
	shortestHold = 5 * time.Second
	longestHold  = time.Minute
)

// holdSplit keeps a split without reading on, until somebody may have looked. False: it is taken away, or the process ends.
func (r *Run) holdSplit(ctx context.Context, split string, why error, pause time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	class := ClassOf(why, User)
	r.Status.observe(func(o Observer) { o.Failed("split", class) })
	_, now := r.Status.meet(Trouble{Where: splitWhere(split), Class: class, Held: true}, why, pause)
	r.Log.Error("split held", "connector", r.Name, "split", split, "class", class, "since", now.Since, "times", now.Times, "in", rounded(pause), "error", why)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// release notes that a split is not held any more, if it was.
func (r *Run) release(split string) {
	if was, held := r.Status.mended(splitWhere(split), true); held {
		r.Log.Info("split released", "connector", r.Name, "split", split, "since", was.Since, "times", was.Times)
	}
}

// AllRead tells whether every split of the source has been read to its end, by whichever worker: beyond what is stored of it the
// source has nothing to give.
func (r *Run) AllRead(ctx context.Context) (bool, error) {
	a, err := r.Client.Admin()
	if err != nil {
		return false, err
	}
	defer a.Close()
	offsets := r.Client.Config.OffsetsTopic
	n, err := a.Partitions(ctx, offsets)
	if err != nil {
		return false, err
	}
	splits, err := r.Config.Source.Splits(ctx)
	if err != nil {
		return false, err
	}
	tables := map[int32]map[string][]byte{}
	for _, s := range splits {
		p := partitionOf(r.Name, s, min(n, offsetPartitions))
		if tables[p] == nil {
			if tables[p], err = r.Client.Table(ctx, offsets, p); err != nil {
				return false, err
			}
		}
		for page, err := range r.Config.Source.Read(ctx, s, source.Offset(tables[p][r.Name+"/"+s])) {
			if err != nil || len(page.Records)+len(page.Bad) > 0 || !page.AtEnd {
				return false, err
			}
			break
		}
	}
	return true, nil
}
