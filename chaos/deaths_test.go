package chaos

import (
	"slices"
	"testing"
	"time"
)

// Of 25 rows the second interval is [10,20); its first row is of path b.
var (
	firstInterval  = []string{"a/0 [0,10)", "b/1 [0,10)", "c/2 [0,10)"}
	anchor         = []string{"b/10 [10,20)"}
	others         = []string{"c/11 [10,20)", "a/12 [10,20)"}
	secondInterval = append(anchor, others...)
	tail           = []string{"c/20 [20,25)", "a/21 [20,25)", "b/22 [20,25)"}

	// What an heir makes that flushes seven rows at a time, where it is free to cut.
	freeCuts = []string{"b/10 [10,17)", "c/11 [10,17)", "a/12 [10,17)", "c/17 [17,24)", "a/18 [17,24)", "b/19 [17,24)", "a/24 [24,25)"}
)

func joined(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// death is a step at which a worker can die within an interval, and what it leaves.
type death struct {
	name   string
	point  string
	s3     fault // in the place of a point: what becomes of PUTs of offsets from here on
	offset int64 // offset of the first such PUT

	committed, plan int64
	objects         []string
}

var deaths = []death{
	{name: "cut, nothing said", point: "cut@2", committed: 10, objects: firstInterval},
	{name: "before the plan", point: "before plan@2", committed: 10, objects: firstInterval},
	{name: "planned", point: "planned@2", committed: 10, plan: 20, objects: firstInterval},
	{name: "the anchor is on its way", s3: hold, offset: 10, committed: 10, plan: 20, objects: firstInterval},
	{name: "the anchor stands, unheard", s3: lose, offset: 10, committed: 10, plan: 20, objects: joined(firstInterval, anchor)},
	{name: "the anchor stands alone", s3: hold, offset: 11, committed: 10, plan: 20, objects: joined(firstInterval, anchor)},
	{name: "all stand, unheard", s3: lose, offset: 11, committed: 10, plan: 20, objects: joined(firstInterval, secondInterval)},
	{name: "visible", point: "visible@2", committed: 10, plan: 20, objects: joined(firstInterval, secondInterval)},
	{name: "committed, hooks owed", point: "committed@2", committed: 20, objects: joined(firstInterval, secondInterval)},
}

// heirs is what stands when an heir of another mind has finished: the interval that was planned is as it was planned.
func heirs(committed, plan int64) []string {
	if committed == 10 && plan == 0 {
		return joined(firstInterval, freeCuts)
	}
	return joined(firstInterval, secondInterval, tail)
}

// bring runs a worker up to the step.
func (b *bed) bring(point string, f fault, offset int64) *worker {
	b.t.Helper()
	b.make(b.name, 1)
	b.add(25, "")
	b.file("connectors.yaml", announced)
	b.file("heir.yaml", replace(announced, "rows: 10", "rows: 7"))
	if point != "" {
		return b.standing(point)
	}
	w := b.stuck(f, offset)
	if f == lose {
		await(b.t, "the lost answers", func() bool { return len(b.list("")) == len(firstInterval)+1+2*int(offset-10) })
	}
	return w
}

// standing runs a worker until it stands still at a point.
func (b *bed) standing(point string, args ...string) *worker {
	b.t.Helper()
	w := b.startTo(point, args...)
	await(b.t, "the point "+point, w.stands)
	return w
}

// stuck runs a worker until the store does this to its PUTs of rows from an offset on, which is the anchor's or the next.
func (b *bed) stuck(f fault, offset int64) *worker {
	b.t.Helper()
	came := make(chan bool, 100)
	b.proxy.set(puts(f, func(key string) bool {
		hit := object{key: key}.first() >= offset
		if hit {
			came <- true
		}
		return hit
	}))
	w := b.startTo("never")
	<-came
	if offset > 10 { // the others go side by side
		<-came
	}
	return w
}

// dies brings a worker to the step, kills it there, and wants what the table says is left.
func (b *bed) dies(d death) {
	b.t.Helper()
	b.hooks.busy.Store(true)
	w := b.bring(d.point, d.s3, d.offset)
	w.must("kill", w.Kill())
	await(b.t, "the proxy to notice", b.proxy.idle)
	b.proxy.release()
	b.hooks.busy.Store(false)
	b.wantMark(d.committed, d.plan, 0)
	b.wantObjects(d.objects...)
}

// TestDeath is the table of deaths, row by row: what stands when a worker has died there, and after the next one went on.
func TestDeath(t *testing.T) {
	t.Parallel()
	for _, d := range deaths {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.dies(d)
			b.drain("heir.yaml")
			b.wantMark(25, 0, -1)
			b.wantObjects(heirs(d.committed, d.plan)...)
			b.wantAll()
			b.wantChain()
			if len(b.hooks.crawls()) == 0 {
				t.Error("the hooks were never run again")
			}
		})
	}
}

// TestDrainRunsWhatIsOwed though there is nothing new to flush.
func TestDrainRunsWhatIsOwed(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.file("c.yaml", announced)
	b.add(25, "")
	b.hooks.busy.Store(true)
	b.drain("c.yaml")
	b.wantMark(25, 0, 0)
	b.hooks.busy.Store(false)
	b.drain("c.yaml")
	b.wantMark(25, 0, -1)
	if len(b.hooks.crawls()) == 0 {
		t.Error("the hook was never run")
	}
}

// TestDeathForgotten is the same, and the group forgets everything too: what is left of the plan is the anchor, if it stands.
func TestDeathForgotten(t *testing.T) {
	t.Parallel()
	for _, d := range deaths {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.dies(d)
			await(t, "the dead to be missed", func() bool { return len(b.members(b.group())) == 0 })
			b.forget(b.group())
			b.drain("heir.yaml")
			b.wantMark(25, 0, -1)
			if slices.Contains(d.objects, anchor[0]) {
				b.wantObjects(heirs(10, 20)...)
			} else {
				b.wantObjects(heirs(10, 0)...)
			}
			b.wantAll()
		})
	}
}

// TestZombie stops a worker for longer than its session at each step, and lets it wake when another has done its work.
func TestZombie(t *testing.T) {
	t.Parallel()
	for _, d := range deaths {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			zombie := b.bring(d.point, d.s3, d.offset)
			zombie.must("pause", zombie.Pause())
			zombie.free()
			b.proxy.release() // what it had sent arrives now, or later
			heir := b.start("heir.yaml")
			await(t, "the heir to finish", func() bool { return b.remembered().offset == 25 })
			zombie.must("resume", zombie.Resume())

			b.wantObjects(heirs(d.committed, d.plan)...)
			for i := range 3 {
				b.add(7, "")
				await(t, "rows that come later", func() bool { return b.remembered().offset == int64(32+7*i) })
			}
			await(t, "the zombie to be a member again", func() bool { return len(b.members(b.group())) == 2 })
			zombie.stop()
			heir.stop()
			b.wantAll()
			b.wantChain()
		})
	}
}

// TestHeirDiesToo kills one owner after the other at every point of the same interval.
func TestHeirDiesToo(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 1)
	b.add(25, "")
	b.file("connectors.yaml", simple)
	for _, point := range []string{"before plan", "planned", "visible", "visible", "committed", "planned", "visible"} {
		w := b.standing(point)
		w.must("kill", w.Kill())
	}
	began := time.Now()
	b.drain()
	t.Logf("the last one took %v", time.Since(began).Round(time.Millisecond))
	b.wantMark(25, 0, -1)
	b.wantObjects(joined(firstInterval, secondInterval, tail)...)
	b.wantAll()
	b.wantChain()
}

// TestHookOverlaps lets a run of the hooks for one interval end while the next is between its commit and the word of it: what that
// one owes is not forgotten with what the first had owed.
func TestHookOverlaps(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.hooks.busy.Store(true)
	w := b.bring("committed@2", pass, 0)
	b.hooks.busy.Store(false)
	await(t, "the first run", func() bool { return len(b.hooks.crawls()) == 1 })
	b.hooks.busy.Store(true)
	w.free()
	await(t, "the last rows", func() bool { return b.remembered().offset == 25 })
	time.Sleep(2 * time.Second) // in which it could take back what it owes
	w.must("kill", w.Kill())
	if m := b.remembered(); m.Owed == nil || *m.Owed > 10 {
		t.Errorf("the group remembers %v, and the hooks were never told of rows from 10 on", m)
	}
	b.hooks.busy.Store(false)
	w = b.start()
	await(t, "the hooks to be run again", func() bool { return len(b.hooks.crawls()) > 1 })
	await(t, "the group to know", func() bool { return b.remembered().Owed == nil })
	w.stop()
	b.wantMark(25, 0, -1)
}
