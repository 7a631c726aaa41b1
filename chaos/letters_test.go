package chaos

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
	"github.com/twmb/franz-go/pkg/kgo"
)

const buried = `
  $topic:
    topics: [$topic]
    sink: {s3: {bucket: $bucket, path: "{p}", format: json}}
    flush: {rows: 100, every: 200ms}
    errors: {on_bad_record: dead_letter, topic: $topic-dead}
`

// day is the timestamp of the first record that mix produces.
var day = time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)

// mixed is the record of an id: of a hundred one is bad, in one way of four.
func mixed(topic string, id int) *kgo.Record {
	r := &kgo.Record{
		Topic: topic, Partition: int32(id % 3), Key: fmt.Appendf(nil, "k%d", id), Timestamp: day.Add(time.Duration(id) * time.Millisecond),
		Value: fmt.Appendf(nil, `{"id":%d,"p":"%c"}`, id, 'a'+id/3%3), Headers: []kgo.RecordHeader{{Key: "trace", Value: fmt.Append(nil, id)}},
	}
	if id%100 == 0 {
		r.Value = [][]byte{
			r.Value[:len(r.Value)-3], []byte("[1]"), nil,
			fmt.Appendf(nil, `{"id":%d,"p":%q}`, id, strings.Repeat("x", 2000)),
		}[id/100%4]
	}
	return r
}

// mix produces n more of them.
func (b *bed) mix(n int) {
	b.t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = mixed(b.name, b.sent)
		b.sent++
	}
	if err := b.cl.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// letters reads the topic of dead letters, by their keys.
func (b *bed) letters() map[string][]*kgo.Record {
	b.t.Helper()
	all := map[string][]*kgo.Record{}
	b.read(b.name+"-dead", func(r *kgo.Record) { all[string(r.Key)] = append(all[string(r.Key)], r) })
	return all
}

// about is what a dead letter's headers say of the error, and the headers that the record had.
func about(r *kgo.Record) (about map[string]string, own []string) {
	about = map[string]string{}
	for _, h := range r.Headers {
		if name, ok := strings.CutPrefix(h.Key, "__connect.errors."); ok {
			about[name] = string(h.Value)
		} else {
			own = append(own, h.Key+"="+string(h.Value))
		}
	}
	return about, own
}

// wantMixed wants each sound record in one object and each bad one on the topic of dead letters once, as it was.
func (b *bed) wantMixed() {
	b.t.Helper()
	where, placed, dead := map[string]string{}, map[int]int{}, b.letters()
	b.read(b.name, func(r *kgo.Record) { where[string(r.Key)] = fmt.Sprint(r.Partition, " ", r.Offset) })
	for _, o := range b.objects("") {
		for _, id := range o.ids(b.t) {
			placed[id]++
		}
	}
	for id := range b.sent {
		was := mixed(b.name, id)
		key, bad := string(was.Key), id%100 == 0
		letters := dead[key]
		if want := map[bool]int{true: 1}[bad]; len(letters) != want || placed[id] != 1-want {
			b.t.Errorf("record %d stands in %d objects and %d dead letters", id, placed[id], len(letters))
		}
		for _, l := range letters {
			said, own := about(l)
			at := said["partition"] + " " + said["offset"]
			if !bytes.Equal(l.Value, was.Value) || (l.Value == nil) != (was.Value == nil) || !l.Timestamp.Equal(was.Timestamp) || !slices.Equal(own, []string{"trace=" + strconv.Itoa(id)}) {
				b.t.Errorf("dead letter %s: value %.80q, headers %q, %v; it was %.80q of %v", key, l.Value, own, l.Timestamp, was.Value, was.Timestamp)
			}
			if said["topic"] != b.name || at != where[key] || said["connector.name"] != b.name || said["task.id"] != said["partition"] || said["stage"] != "TASK_PUT" {
				b.t.Errorf("dead letter %s, which stood at %s, says %q", key, where[key], said)
			}
			if said["class.name"] == "" || said["exception.class.name"] == "" || said["exception.message"] == "" || len(said) != 9 {
				b.t.Errorf("dead letter %s says %q", key, said)
			}
		}
	}
	if extra := len(placed) + len(dead); extra != b.sent {
		b.t.Errorf("%d records stand somewhere, of %d", extra, b.sent)
	}
}

// TestDeadLetters kills workers around the commit of intervals with bad records: the letter and the offset are one transaction.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	b := newBed(t)
	b.make(b.name, 3)
	b.file("connectors.yaml", buried)
	for _, point := range []string{"before plan@2", "planned@3", "visible@2", "letters@2", "committed@2"} {
		b.mix(2000)
		w := b.standing(point)
		heir := b.start()
		b.sleepUpTo(random, time.Second)
		w.must("kill", w.Kill())
		b.sleepUpTo(random, 3*time.Second)
		heir.must("kill", heir.Kill())
	}
	b.mix(1000)
	workers := []*worker{b.start("--drain"), b.start("--drain")}
	for _, w := range workers {
		w.ends(0)
	}
	b.wantMixed()
	for _, log := range b.logs() {
		if text, err := os.ReadFile(log); err != nil || bytes.Contains(text, []byte("connector failed")) {
			t.Errorf("%s: a run ended by an error, %v", log, err)
		}
	}
	b.wantChain()
}

func (b *bed) sleepUpTo(random *rand.Rand, most time.Duration) {
	time.Sleep(time.Duration(random.Int64N(int64(most))))
}

// TestDeadRows is the same for a source: rows of a file that are none.
func TestDeadRows(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	b := newBed(t)
	bad := map[string]bool{}
	for _, name := range []string{"a.csv", "b.csv"} {
		b.grains(name, 6000)
		maps.Copy(bad, b.spoil(name))
	}
	b.file("connectors.yaml", strings.Replace(replay, "$rate", "3000/s", 1)+"    errors: {on_bad_record: dead_letter, topic: $topic-dead}\n")
	for _, point := range []string{"before store@3", "stored@2"} {
		w := b.standing(point)
		heir := b.start()
		b.sleepUpTo(random, time.Second)
		w.must("kill", w.Kill())
		b.sleepUpTo(random, time.Second)
		heir.must("kill", heir.Kill())
	}
	workers := []*worker{b.start("--drain"), b.start("--drain")}
	for _, w := range workers {
		w.ends(0)
	}
	b.wantTopic()
	seen := map[string]int{}
	b.read(b.name+"-dead", func(r *kgo.Record) {
		seen[string(r.Value)]++
		said, _ := about(r)
		if said["connector.name"] != b.name || !strings.HasSuffix(said["task.id"], ".csv") || said["stage"] != "TASK_POLL" ||
			!strings.HasPrefix(said["class.name"], "*csv.") || said["exception.class.name"] == "" || !strings.Contains(said["exception.message"], said["task.id"]+":") {
			t.Errorf("dead letter %q says %q", r.Value, said)
		}
	})
	for row := range bad {
		if seen[row] != 1 {
			t.Errorf("the row %q stands in %d dead letters", row, seen[row])
		}
	}
	if len(seen) != len(bad) {
		t.Errorf("%d dead letters, want %d", len(seen), len(bad))
	}
}

// TestBadRecordsSkippedOrStoppedAt has one bad record in one partition of three: to stop holds that partition before it, with all
// that came before it visible, and to skip, from there on, leaves it out and counts it.
func TestBadRecordsSkippedOrStoppedAt(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.name, 3)
	for p := range int32(3) {
		values := make([][]byte, 25)
		for i := range values {
			values[i] = fmt.Appendf(nil, `{"id":%d,"p":"a"}`, 25*int(p)+i)
		}
		if p == 1 {
			values[17] = []byte("{")
		}
		b.produce(b.name, p, values, "")
	}
	ports, err := parts.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	listen := fmt.Sprintf("127.0.0.1:%d", ports[0])
	b.file("connectors.yaml", simple)
	b.file("skip.yaml", simple+"    errors: {on_bad_record: skip}\nlisten: "+listen+"\n")

	w := b.start()
	await(t, "the partition to be held", func() bool { return w.says("partition held") })
	for p, want := range map[int32]int64{0: 25, 1: 17, 2: 25} {
		await(t, fmt.Sprintf("partition %d", p), func() bool { return b.committed(b.group(), b.name, p).offset == want })
	}
	if !w.says("offset 17 cannot be written") {
		t.Error("the log does not name the offset")
	}
	w.stop()
	w = b.start("skip.yaml")
	await(t, "the rest", func() bool { return b.committed(b.group(), b.name, 1).offset == 25 })
	await(t, "the count", func() bool {
		return strings.Contains(get(t, "http://"+listen+"/metrics"), fmt.Sprintf(`penstock_bad_records_total{connector="%s",verdict="skip"} 1`, b.name))
	})
	if health := get(t, "http://"+listen+"/health"); !strings.Contains(strings.ReplaceAll(health, " ", ""), `"skipped_rows":1,`) {
		t.Errorf("the health is %s", health)
	}
	w.stop()
	placed := map[int]int{}
	for _, o := range b.objects("") {
		for _, id := range o.ids(t) {
			placed[id]++
		}
	}
	for id := range 75 {
		if want := map[bool]int{false: 1}[id == 25+17]; placed[id] != want {
			t.Errorf("row %d stands in %d objects", id, placed[id])
		}
	}
	b.wantChain()
}

// get asks a worker; "" where it does not answer yet.
func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDeadLettersOfAZombie stops a worker between the two ends of its transaction. One that wakes soon ends it, and the heir, which
// has waited, goes on from there; one that wakes when the broker has ended it is refused.
func TestDeadLettersOfAZombie(t *testing.T) {
	t.Parallel()
	for name, sleep := range map[string]func(*bed){
		"wakes soon": func(*bed) { time.Sleep(2 * session) },
		"wakes late": (*bed).awaitEnd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.make(b.name, 3)
			b.file("connectors.yaml", buried)
			b.mix(1200)
			zombie := b.standing("letters@1")
			zombie.must("pause", zombie.Pause())
			zombie.free()
			heir := b.start()
			sleep(b)
			zombie.must("resume", zombie.Resume())
			b.mix(600)
			b.awaitEnd()
			zombie.stop()
			heir.stop()
			b.wantMixed()
			b.wantChain()
		})
	}
}
