package parts

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
)

// A Metadata request, version 1, for no topic: length, API key, version, correlation id, null client id, empty list.
var metadataRequest = []byte{0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0}

// answers asks the broker at addr for the brokers of its cluster: nil where all these are among them, as each is once it
// takes clients.
func answers(ctx context.Context, addr string, want ...int32) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	if _, err := conn.Write(metadataRequest); err != nil {
		return err
	}
	reply, err := readReply(conn)
	if err != nil {
		return err
	}
	nodes, err := brokerIDs(reply)
	if err != nil {
		return err
	}
	for _, node := range want {
		if !slices.Contains(nodes, node) {
			return fmt.Errorf("broker %d is not in its cluster yet, which has %v", node, nodes)
		}
	}
	return nil
}

func readReply(r io.Reader) ([]byte, error) {
	var size uint32
	if err := binary.Read(r, binary.BigEndian, &size); err != nil {
		return nil, err
	}
	if size > 1<<20 {
		return nil, errors.New("reply is too long to be Kafka's")
	}
	reply := make([]byte, size)
	_, err := io.ReadFull(r, reply)
	return reply, err
}

// brokerIDs reads correlation id and brokers: node, host, port, rack each.
func brokerIDs(reply []byte) ([]int32, error) {
	short := errors.New("reply is cut short")
	if len(reply) < 8 {
		return nil, short
	}
	var nodes []int32
	rest := reply[8:]
	for range binary.BigEndian.Uint32(reply[4:]) {
		if len(rest) < 6 {
			return nil, short
		}
		nodes = append(nodes, int32(binary.BigEndian.Uint32(rest)))
		host := int(binary.BigEndian.Uint16(rest[4:]))
		rack := 6 + host + 4 // after the port; -1 is none
		if len(rest) < rack+2 {
			return nil, short
		}
		n := max(0, int(int16(binary.BigEndian.Uint16(rest[rack:]))))
		if len(rest) < rack+2+n {
			return nil, short
		}
		rest = rest[rack+2+n:]
	}
	return nodes, nil
}
