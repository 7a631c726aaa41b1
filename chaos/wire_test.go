package chaos

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wire stands between clients and one Kafka broker, as the network does: it can be cut, and can bring a request late.
type wire struct {
	addr string // for clients

	to       string
	listener net.Listener
	tasks    sync.WaitGroup
	closed   chan struct{}

	mu    sync.Mutex
	whole chan struct{} // closed where the wire is not cut
	links map[*link]bool
	holds []*holdBack
}

func newWire(to string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{addr: l.Addr().String(), to: to, listener: l, closed: make(chan struct{}), whole: make(chan struct{}), links: map[*link]bool{}}
	close(w.whole)
	w.tasks.Go(w.accept)
	return w, nil
}

// close breaks all connections, and drops what is held back.
func (w *wire) close() {
	close(w.closed)
	w.listener.Close()
	w.mend(true)
	w.tasks.Wait()
}

// cut lets no byte through in either direction. Connections stay open, and new ones can be made, yet nothing is answered there.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.whole:
		w.whole = make(chan struct{})
	default:
	}
}

// mend ends a cut. The connections there are break, or go on where they stood.
func (w *wire) mend(breaking bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if breaking {
		for l := range w.links {
			l.end(true)
		}
	}
	select {
	case <-w.whole:
	default:
		close(w.whole)
	}
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		l := &link{wire: w, client: client, dead: make(chan struct{})}
		w.mu.Lock()
		w.links[l] = true
		w.mu.Unlock()
		w.tasks.Go(l.run)
	}
}

// link is one connection of a client and that to the broker which carries on with it.
type link struct {
	wire   *wire
	client net.Conn
	dead   chan struct{}
	once   sync.Once
	breaks bool // once it is dead
}

// end closes both connections: with a reset, by which what was not read yet is lost, or in order.
func (l *link) end(breaking bool) {
	l.once.Do(func() {
		l.breaks = breaking
		close(l.dead)
	})
}

func (l *link) closes(conn net.Conn) {
	if l.breaks {
		conn.(*net.TCPConn).SetLinger(0)
	}
	conn.Close()
}

// passes waits until the wire is whole; false where the link is dead by then.
func (l *link) passes() bool {
	l.wire.mu.Lock()
	whole := l.wire.whole
	l.wire.mu.Unlock()
	select {
	case <-whole:
	case <-l.dead:
	}
	select {
	case <-l.dead:
		return false
	case <-l.wire.closed:
		return false
	default:
		return true
	}
}

func (l *link) run() {
	defer func() {
		l.end(true) // of a broker that is not there
		l.closes(l.client)
		l.wire.mu.Lock()
		delete(l.wire.links, l)
		l.wire.mu.Unlock()
	}()
	if !l.passes() {
		return
	}
	broker, err := net.Dial("tcp", l.wire.to)
	if err != nil {
		return
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { l.requests(broker) })
	pumps.Go(func() { l.answers(broker) })
	<-l.dead
	l.closes(l.client)
	l.closes(broker)
	pumps.Wait()
}

// requests takes whole requests to the broker.
func (l *link) requests(broker net.Conn) {
	defer l.end(false)
	in := bufio.NewReader(l.client)
	for {
		frame, err := readFrame(in)
		if !l.passes() || err != nil {
			return
		}
		if l.wire.holdsBack(frame) {
			continue
		}
		if _, err := broker.Write(frame); err != nil {
			return
		}
	}
}

func (l *link) answers(broker net.Conn) {
	defer l.end(false)
	buf := make([]byte, 32<<10)
	for {
		n, err := broker.Read(buf)
		if !l.passes() || n == 0 && err != nil {
			return
		}
		if _, err := l.client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// readFrame is a request with its length in front.
func readFrame(r io.Reader) ([]byte, error) {
	frame := make([]byte, 4)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(frame)
	if size > 256<<20 {
		return nil, fmt.Errorf("a frame of %d bytes is not Kafka's", size)
	}
	frame = append(frame, make([]byte, size)...)
	_, err := io.ReadFull(r, frame[4:])
	return frame, err
}

// holdBack is one request that is taken off its connection, and brought to its broker later on a connection of its own, whatever has
// become of the client's.
type holdBack struct {
	taken  chan struct{} // closed when the request has come
	answer chan []byte   // the broker's; closed without one where the broker could not be asked

	api     int16
	match   func(frame []byte) bool
	claimed atomic.Bool
	free    chan struct{}
	once    sync.Once
	late    time.Duration
}

// commits is the API key of OffsetCommit.
const commits = 8

// wires are those of one client, to each broker.
type wires []*wire

func (all wires) cut() {
	for _, w := range all {
		w.cut()
	}
}

func (all wires) mend(breaking bool) {
	for _, w := range all {
		w.mend(breaking)
	}
}

// network is the wires of each route of a cluster, whose brokers advertise them.
type network struct {
	t      testing.TB
	routes []wires
}

// advertise is for parts.ClusterOptions.
func (n *network) advertise(route, _ int, listen string) (string, error) {
	w, err := newWire(listen)
	if err != nil {
		return "", err
	}
	n.t.Cleanup(w.close)
	for len(n.routes) <= route {
		n.routes = append(n.routes, nil)
	}
	n.routes[route] = append(n.routes[route], w)
	return w.addr, nil
}

// holdBack takes the next request of an API that matches off these wires, whichever it comes by, until it is released or has waited as
// long as it is to be late; 0 is until it is released. The frame that match sees begins with the request's header.
func (all wires) holdBack(api int16, match func(frame []byte) bool, late time.Duration) *holdBack {
	h := &holdBack{taken: make(chan struct{}), answer: make(chan []byte, 1), free: make(chan struct{}), api: api, match: match, late: late}
	for _, w := range all {
		w.mu.Lock()
		w.holds = append(w.holds, h)
		w.mu.Unlock()
	}
	return h
}

// release brings what is held back to the broker now. What has not come by then is no longer waited for.
func (h *holdBack) release() {
	h.once.Do(func() {
		if h.claimed.CompareAndSwap(false, true) {
			close(h.answer)
		}
		close(h.free)
	})
}

// holdsBack tells whether this request is one to be held back, and takes it.
func (w *wire) holdsBack(frame []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds = slices.DeleteFunc(w.holds, func(h *holdBack) bool { return h.claimed.Load() })
	for _, h := range w.holds {
		if h.takes(frame[4:]) {
			w.tasks.Go(func() { h.bring(w, frame) })
			return true
		}
	}
	return false
}

// takes is true for one request, of all that come.
func (h *holdBack) takes(frame []byte) bool {
	if len(frame) < 8 || int16(binary.BigEndian.Uint16(frame)) != h.api || h.claimed.Load() || !h.match(frame) {
		return false
	}
	if !h.claimed.CompareAndSwap(false, true) {
		return false
	}
	close(h.taken)
	return true
}

// bring waits, and asks the broker.
func (h *holdBack) bring(w *wire, frame []byte) {
	defer close(h.answer)
	var late <-chan time.Time
	if h.late > 0 {
		t := time.NewTimer(h.late)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-h.free:
	case <-late:
	case <-w.closed:
		return
	}
	broker, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer broker.Close()
	broker.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := broker.Write(frame); err != nil {
		return
	}
	if answer, err := readFrame(broker); err == nil {
		h.answer <- answer[4:]
	}
}
