package kafka

import (
	"encoding/binary"
	"os"
	"sync"
)

// wakers wakes the readers of a consumer's partitions when something was fetched for them: through one pipe that librdkafka
// writes to, since a goroutine that waited inside C would cost a thread.
type wakers struct {
	r, w *os.File
	fd   uintptr
	done chan struct{}

	mu   sync.Mutex
	last uint64
	byID map[uint64]*waker
}

// waker is one reader's bell. It remembers one ring.
type waker struct {
	id   uint64
	fd   uintptr
	bell chan struct{}
}

func (w *waker) ring() {
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

func newWakers() (*wakers, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ws := &wakers{r: r, w: w, byID: map[uint64]*waker{}, done: make(chan struct{})}
	conn, err := w.SyscallConn() // not Fd(), which would make the pipe block librdkafka's threads
	if err == nil {
		err = conn.Control(func(fd uintptr) { ws.fd = fd })
	}
	if err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	go ws.run()
	return ws, nil
}

func (ws *wakers) run() {
	defer close(ws.done)
	buf := make([]byte, 8*512)
	for have := 0; ; {
		n, err := ws.r.Read(buf[have:])
		if err != nil {
			return // io.EOF or closed: no more readers
		}
		have += n
		ws.mu.Lock()
		for i := 0; i+8 <= have; i += 8 {
			if w := ws.byID[binary.NativeEndian.Uint64(buf[i:])]; w != nil {
				w.ring()
			}
		}
		ws.mu.Unlock()
		have = copy(buf, buf[have-have%8:have])
	}
}

func (ws *wakers) add() *waker {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.last++
	w := &waker{id: ws.last, fd: ws.fd, bell: make(chan struct{}, 1)}
	ws.byID[w.id] = w
	return w
}

func (ws *wakers) remove(w *waker) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.byID, w.id)
}

// close is called when librdkafka no longer knows the pipe.
func (ws *wakers) close() {
	ws.w.Close()
	<-ws.done
	ws.r.Close()
}
