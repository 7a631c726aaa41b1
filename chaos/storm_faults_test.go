package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock/penstock/parts"
)

// trouble is a kind of fault. To begin is to let it happen; what it gives back ends it, and says whether it has met anything. It is nil
// where there is nobody to suffer it.
type trouble struct {
	kind  string
	needs needs
	begin func(*round) (end func() bool, lasts time.Duration)
}

// needs is what a trouble needs of those that come with it.
type needs int

const (
	nothing needs = iota
	alone         // all workers to itself
	health        // that the others begin only when it has met what it waits for
)

// troubles are all kinds.
var troubles = slices.Concat([]trouble{
	{"kill -9 of a worker", nothing, (*round).killOne},
	{"kill -9 of all workers at once", alone, (*round).killAll},
	{"SIGSTOP beyond the session, then SIGCONT", nothing, (*round).sleepOne},
	{"SIGTERM of a worker", nothing, (*round).termOne},
	{"a worker joins, and leaves", nothing, (*round).join},
	{"a rebalance every second", nothing, (*round).rebalances},
	{"a broker is killed -9 and restarted", nothing, (*round).broker},
	{"the group coordinator's broker is killed -9 and restarted", nothing, (*round).coordinator},
	{"the network between a worker and the brokers is cut beyond the session", nothing, (*round).cutOff},
	{"the disk under the spool is full", health, (*round).fullDisk},
	{"the group's offsets are set back by one commit", alone, (*round).setBackAll},
	{"the group is deleted", alone, (*round).forgetAll},
	{"partitions are added to the topic", nothing, (*round).widen},
	{"S3 loses the answer of a CompleteMultipartUpload", health, inParts(late)},
	{"S3 answers a CompleteMultipartUpload with 200 and an error", health, inParts(lie)},
	{"S3 answers PUTs with 200 and an error", nothing, illness(lie, 2*time.Second, oneIn(3, putsOnly))},
	{"S3 loses the answers of PUTs", nothing, illness(late, 2*time.Second, oneIn(3, putsOnly))},
	{"S3 answers 500", nothing, illness(fails, 3*time.Second, oneIn(2, anyRequest))},
	{"S3 answers 503 SlowDown", nothing, illness(away, 3*time.Second, anyRequest)},
	{"S3 answers 429", nothing, illness(busy, 3*time.Second, anyRequest)},
	{"S3 resets connections", nothing, illness(reset, 3*time.Second, oneIn(2, anyRequest))},
	{"S3 hangs", nothing, illness(hold, 4*time.Second, anyRequest)},
	{"S3 is slow: 1 kB/s", nothing, illness(slow, 4*time.Second, oneIn(4, anyRequest))},
	{"S3 takes our clock for wrong", nothing, illness(skew, 2*time.Second, oneIn(5, anyRequest))},
}, deathsAt("cut", "before plan", "planned", "visible", "committed", "letters", "before store", "stored"))

// deck deals kinds of trouble: each once before any comes again, and those that met nothing again in the end.
type deck struct {
	random *rand.Rand
	all    []trouble
	left   []trouble
}

func newDeck(t *testing.T, seed uint64) *deck {
	t.Helper()
	d := &deck{random: rand.New(rand.NewPCG(seed, 1<<40))}
	kinds, err := regexp.Compile(*stormKinds)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range troubles {
		if kinds.MatchString(k.kind) {
			d.all = append(d.all, k)
		}
	}
	if len(d.all) == 0 {
		t.Fatalf("-storm.kinds=%s matches no kind of fault", *stormKinds)
	}
	return d
}

// back takes a trouble that has met nothing: it is dealt again.
func (d *deck) back(t trouble) { d.left = append(d.left, t) }

func (d *deck) draw() trouble {
	if len(d.left) == 0 {
		all := slices.Clone(d.all)
		d.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		d.left = all
	}
	t := d.left[0]
	d.left = d.left[1:]
	return t
}

// hands are the troubles of a round, one to seven of them at once.
func (r *round) hands(d *deck) (hands [][]trouble) {
	for range 8 {
		var hand []trouble
		for n := 1 + r.random.IntN(7); len(hand) < n; {
			t := d.draw()
			if t.needs == alone && len(hand) > 0 { // it comes next, alone
				hands = append(hands, hand)
				hand, n = nil, 1
			}
			if hand = append(hand, t); t.needs == alone {
				break
			}
		}
		hands = append(hands, hand)
	}
	return hands
}

func names(troubles []trouble) string {
	var all []string
	for _, t := range troubles {
		all = append(all, t.kind)
	}
	return strings.Join(all, " + ")
}

func (r *round) killOne() (func() bool, time.Duration) {
	s := r.free()
	if s == nil {
		return nil, 0
	}
	s.must("kill", s.Kill())
	return func() bool { r.sit(s); return true }, time.Duration(r.random.Int64N(int64(stormSession)))
}

// seated are all workers, as one trouble's.
func (r *round) seated() (all []*seat) {
	for _, s := range r.seats {
		if s.worker != nil && !s.busy {
			all = append(all, s)
		}
	}
	return all
}

func (r *round) killAll() (func() bool, time.Duration) {
	all := r.seated()
	for _, s := range all {
		s.must("kill", s.Kill())
	}
	return func() bool {
		for _, s := range all {
			r.sit(s)
		}
		return true
	}, time.Duration(r.random.Int64N(int64(stormSession)))
}

func (r *round) sleepOne() (func() bool, time.Duration) {
	s := r.free()
	if s == nil {
		return nil, 0
	}
	s.must("pause", s.Pause())
	return func() bool { s.must("resume", s.Resume()); return true }, stormSession + time.Duration(r.random.Int64N(int64(stormSession)))
}

func (r *round) termOne() (func() bool, time.Duration) {
	s := r.free()
	if s == nil {
		return nil, 0
	}
	r.stopOrKill(s)
	return func() bool { r.sit(s); return true }, time.Duration(r.random.Int64N(int64(time.Second)))
}

// join seats a worker where nobody sat.
func (r *round) join() (func() bool, time.Duration) {
	s := r.seats[seats-1]
	if s.worker != nil {
		return nil, 0
	}
	s.busy = true
	r.sit(s)
	return func() bool {
		r.stopOrKill(s)
		s.worker = nil
		return true
	}, 2*time.Second + time.Duration(r.random.Int64N(int64(4*time.Second)))
}

// rebalances has members come and go.
func (r *round) rebalances() (func() bool, time.Duration) {
	s := r.free()
	if s == nil {
		return nil, 0
	}
	for range 3 {
		r.stopOrKill(s)
		r.sit(s)
		time.Sleep(time.Second)
	}
	return func() bool { return true }, 0
}

func (r *round) killBroker(b *parts.Broker) (func() bool, time.Duration) {
	select {
	case <-b.Done():
		return nil, 0 // it is dead already
	default:
	}
	if err := b.Kill(); err != nil {
		r.t.Fatal(err)
	}
	return func() bool {
		if err := b.Restart(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		return true
	}, time.Second + time.Duration(r.random.Int64N(int64(5*time.Second)))
}

func (r *round) broker() (func() bool, time.Duration) {
	return r.killBroker(r.w.Brokers[r.random.IntN(len(r.w.Brokers))])
}

func (r *round) coordinator() (func() bool, time.Duration) {
	return r.killBroker(r.w.Brokers[r.coordinates(r.group(r.sinks[1]))-1])
}

// cutOff lets nothing pass between a worker and the brokers, without a word.
func (r *round) cutOff() (func() bool, time.Duration) {
	s := r.free()
	if s == nil {
		return nil, 0
	}
	wires := r.w.lan.routes[slices.Index(r.seats[:], s)]
	wires.cut()
	breaks := r.random.IntN(2) == 0
	return func() bool {
		wires.mend(breaks)
		return true
	}, stormSession + time.Duration(r.random.Int64N(int64(2*stormSession)))
}

// fullDisk fills the file systems on which workers have their scratch files, until one of them says so.
func (r *round) fullDisk() (func() bool, time.Duration) {
	if !r.large() { // there is nothing to spool
		return nil, 0
	}
	for _, s := range r.seats {
		f, err := os.Create(filepath.Join(s.scratch, "full"))
		if err != nil {
			r.t.Fatal(err)
		}
		for block := make([]byte, 1<<20); err == nil; {
			_, err = f.Write(block)
		}
		f.Close()
	}
	before := r.says("no space left")
	r.await(45*time.Second, func() bool { return r.says("no space left") > before }, nil)
	return func() bool {
		for _, s := range r.seats {
			if err := os.Remove(filepath.Join(s.scratch, "full")); err != nil {
				r.t.Fatal(err)
			}
		}
		return r.says("no space left") > before
	}, 3 * time.Second
}

// says counts what all workers have said so far.
func (r *round) says(what string) (n int) {
	for _, log := range r.logs() {
		text, err := os.ReadFile(log)
		if err != nil {
			r.t.Fatal(err)
		}
		n += bytes.Count(text, []byte(what))
	}
	return n
}

// widen adds a partition to -mix.
func (r *round) widen() (func() bool, time.Duration) {
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic = r.name + mixTopic
	r.retried("partitions of "+topic.Topic, func(context.Context) error {
		ends, err := r.askEnds(topic.Topic, 1)
		topic.Count = int32(len(ends)) + 1
		return err
	})
	req := kmsg.NewCreatePartitionsRequest()
	req.Topics, req.TimeoutMillis = append(req.Topics, topic), 10_000
	asked := false
	r.retried("another partition of "+topic.Topic, func(ctx context.Context) error {
		got, err := req.RequestWith(ctx, r.cl)
		if err == nil {
			err = kerr.ErrorForCode(got.Topics[0].ErrorCode)
		}
		if asked && errors.Is(err, kerr.InvalidPartitions) { // the answer was lost
			err = nil
		}
		asked = true
		return err
	})
	return func() bool { return true }, 0
}

// deathsAt are deaths at steps of the protocol: a worker that will stand still there takes a seat, and is killed when it does; or it
// sleeps there for longer than its session, and goes on.
func deathsAt(points ...string) (all []trouble) {
	for _, point := range points {
		all = append(all,
			trouble{"kill -9 at the step: " + point, health, func(r *round) (func() bool, time.Duration) { return r.standAt(point, false) }},
			trouble{"SIGSTOP at the step: " + point, health, func(r *round) (func() bool, time.Duration) { return r.standAt(point, true) }})
	}
	return all
}

func (r *round) standAt(point string, sleeps bool) (func() bool, time.Duration) {
	if strings.Contains(point, "store") && r.sourceEnds() {
		return nil, 0
	}
	s := r.free()
	if s == nil {
		return nil, 0
	}
	s.must("kill", s.Kill())
	file := filepath.Join(r.t.TempDir(), "point")
	env := append(s.env, "PENSTOCK_POINT="+point+"@2", "PENSTOCK_POINT_FILE="+file)
	s.worker = &worker{parts.StartPenstock(r.t, r.binary("points"), r.dir, env, "run", "-v", "slow.yaml"), r.t, file}
	stood := false
	r.await(20*time.Second, s.stands, func() {
		stood = true
		if sleeps {
			s.must("pause", s.Pause())
			s.worker.free()
		} else {
			s.must("kill", s.Kill())
		}
	})
	return func() bool {
		switch {
		case !stood: // it has no partition that gets there
			s.must("kill", s.Kill())
			r.sit(s)
		case sleeps:
			s.must("resume", s.Resume())
		default:
			r.sit(s)
		}
		return stood
	}, stormSession + time.Duration(r.random.Int64N(int64(stormSession)))
}

// sourceEnds tells whether the source has stored its rows, or nearly: what ends transactions is counted too.
func (r *round) sourceEnds() bool {
	var stored int64
	r.retried("ends of "+r.name+csvTopic, func(context.Context) error {
		ends, err := r.askEnds(r.name+csvTopic, 1)
		stored = 0
		for _, end := range ends {
			stored += end
		}
		return err
	})
	return stored >= csvSplits*csvRows*9/10
}

// ills is what becomes of a request while the store has some illnesses.
func (r *round) ills(req *http.Request) fault {
	r.sick.Lock()
	defer r.sick.Unlock()
	for _, ill := range r.illnesses {
		if f := ill(req); f != pass {
			return f
		}
	}
	return pass
}

// illness is one of the store's: what it does to requests that are meant.
func illness(f fault, lasts time.Duration, meant func(*http.Request) bool) func(*round) (func() bool, time.Duration) {
	return func(r *round) (func() bool, time.Duration) {
		var hits int
		ill := func(req *http.Request) fault {
			if !meant(req) {
				return pass
			}
			hits++
			return f
		}
		r.sick.Lock()
		defer r.sick.Unlock()
		r.illnesses[&hits] = ill
		return func() bool {
			met := r.cure(&hits)
			r.proxy.release() // those that it has held
			r.proxy.set(r.ills)
			return met
		}, lasts
	}
}

// cure ends an illness, and says whether it has met a request.
func (r *round) cure(hits *int) bool {
	r.sick.Lock()
	defer r.sick.Unlock()
	delete(r.illnesses, hits)
	return *hits > 0
}

// inParts is an illness of what makes objects of many parts visible, which is once in half a minute: it lasts until it has met one.
func inParts(f fault) func(*round) (func() bool, time.Duration) {
	return func(r *round) (func() bool, time.Duration) {
		if !r.large() {
			return nil, 0
		}
		var met atomic.Bool
		r.await(time.Minute, met.Load, nil)
		return illness(f, time.Second, func(req *http.Request) bool {
			is := completes(req)
			met.Store(met.Load() || is)
			return is
		})(r)
	}
}

// awaited is what a trouble waits for, and what happens then.
type awaited struct {
	until time.Time
	is    func() bool
	then  func()
}

// await has the troubles that were begun together wait until something is, for a while.
func (r *round) await(most time.Duration, is func() bool, then func()) {
	r.awaits = append(r.awaits, awaited{time.Now().Add(most), is, then})
}

// awaitAll waits for all that troubles wait for.
func (r *round) awaitAll() {
	for ; len(r.awaits) > 0; time.Sleep(10 * time.Millisecond) {
		r.awaits = slices.DeleteFunc(r.awaits, func(a awaited) bool {
			is := a.is()
			if is && a.then != nil {
				a.then()
			}
			return is || time.Now().After(a.until)
		})
	}
}

func anyRequest(*http.Request) bool { return true }

func putsOnly(r *http.Request) bool { return r.Method == http.MethodPut }

// completes are the requests that make an object of many parts visible.
func completes(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

func oneIn(n int, meant func(*http.Request) bool) func(*http.Request) bool {
	return func(r *http.Request) bool { return meant(r) && rand.IntN(n) == 0 }
}

// emptied kills all workers and waits until the groups of two sinks have no members.
func (r *round) emptied() (end func() bool, groups []stormSink) {
	r.t.Helper()
	all := r.seated()
	for _, s := range all {
		s.must("kill", s.Kill())
	}
	for _, s := range r.sinks {
		if s.Dead {
			continue // its letters come again
		}
		groups = append(groups, s)
		await(r.t, "the dead to be missed", func() bool { return len(r.members(r.group(s))) == 0 })
	}
	return func() bool {
		for _, s := range all {
			r.sit(s)
		}
		return true
	}, groups
}

// setBackAll makes groups forget their last commit of each partition, or their last three.
func (r *round) setBackAll() (func() bool, time.Duration) {
	end, groups := r.emptied()
	told := map[string][]commit{} // of each partition: the last one at each offset
	for _, c := range r.history() {
		k := fmt.Sprint(c.topic, " ", c.partition)
		all := told[k]
		for len(all) > 0 && all[len(all)-1].offset >= c.offset {
			all = all[:len(all)-1]
		}
		told[k] = append(all, c)
	}
	back := 1 + 2*r.random.IntN(2)
	for _, s := range groups {
		for p := range int32(len(r.ends(r.name + s.Topic))) {
			all := told[fmt.Sprint(r.group(s), " ", r.name+s.Topic, " ", p)]
			if i := len(all) - 1 - back; i >= 0 {
				r.setBacks[backTo(r.group(s), r.name+s.Topic, p, all[i].offset, all[i].text)] = true
				r.setBack(r.group(s), r.name+s.Topic, p, all[i].offset, all[i].text)
			}
		}
	}
	return end, 0
}

// forgetAll deletes groups.
func (r *round) forgetAll() (func() bool, time.Duration) {
	end, groups := r.emptied()
	for _, s := range groups {
		r.forget(r.group(s))
	}
	return end, 0
}
