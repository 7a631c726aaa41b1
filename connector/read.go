package connector

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/penstock/penstock/kafka"
	"github.com/penstock/penstock/source"
	"golang.org/x/sync/errgroup"
)

// offsetPartitions is how many partitions the topic of source offsets is made with: so many workers can share a source's splits.
// Those that somebody adds stay without splits, or offsets would be looked for where they are not.
const offsetPartitions = 8

// splitsAtOnce bounds how many splits a process reads side by side, of one connector and partition of the offsets topic.
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
	return r.Client.Consume(ctx, kafka.Group{
		Name: r.Group(), Topics: []string{offsets}, Idle: true, Revoke: r.Client.Session() / 2, Drain: drainTime,
		Taken: func(n int) { left.change(n, 0) },
		Own: func(ctx context.Context, p *kafka.Partition) error {
			finished, err := r.readSplits(ctx, p, mine[p.ID], left)
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

// readSplits reads the splits that came with p, and then waits until p has to be given up. It says 1 if all were read to the end.
func (r *Run) readSplits(ctx context.Context, p *kafka.Partition, splits []string, left *countdown) (finished int, err error) {
	group, reading := errgroup.WithContext(untilStopped(ctx, p))
	group.SetLimit(splitsAtOnce)
	for _, s := range splits {
		group.Go(func() error { return r.readSplit(reading, p, s) })
	}
	switch err := group.Wait(); {
	case p.Stopping() || ctx.Err() != nil:
		return 0, nil
	case err != nil:
		return 0, err
	}
	left.change(0, 1)
	<-untilStopped(ctx, p).Done()
	return 1, nil
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

// readSplit stores a split's pages, each together with the offset that follows it, from the last one stored on.
func (r *Run) readSplit(ctx context.Context, p *kafka.Partition, split string) error {
	id := r.Name + "/" + split
	producer, err := r.Client.Producer(ctx, id)
	if err != nil {
		return err
	}
	defer producer.Close()
	table, err := r.Client.Table(ctx, p.Topic, p.ID) // after the producer: nobody else can add to what it says now
	if err != nil {
		return err
	}
	for page, err := range r.Config.Source.Read(ctx, split, source.Offset(table[id])) {
		if err != nil {
			return fmt.Errorf("%s: %w", split, err)
		}
		if err := r.Config.Codec.Encode(&page.Batch); err != nil {
			return fmt.Errorf("%s: %w", split, err)
		}
		if len(page.Bad) > 0 {
			return fmt.Errorf("%s: %w", split, page.Bad[0].Err)
		}
		point("before store")
		mark := kafka.Entry{Topic: p.Topic, Partition: p.ID, Key: []byte(id), Value: page.Next}
		if err := producer.Store(ctx, r.Config.Topic.Name, &page.Batch, mark); err != nil {
			return err
		}
		point("stored")
		r.Status.Stored.Add(int64(len(page.Records)))
	}
	return ctx.Err()
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
		for _, err := range r.Config.Source.Read(ctx, s, source.Offset(tables[p][r.Name+"/"+s])) {
			return false, err
		}
	}
	return true, nil
}
