package parts

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

var given sync.Map // ports handed out by this process

// FreePorts returns n loopback ports that nothing listens on, never the same twice. They lie below the range from which
// systems take the ports of outgoing connections, so that a server may come back on its own after a while.
func FreePorts(n int) ([]int, error) {
	const low, high = 12000, 32000
	var ports []int
	for range high - low {
		port := low + rand.IntN(high-low)
		l, err := net.Listen("tcp", addr(port))
		if err != nil {
			continue
		}
		l.Close()
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no free loopback ports between 12000 and 32000")
}

func addr(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
