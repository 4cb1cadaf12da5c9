package transport

import (
	"crypto/rand"
	"errors"

	"github.com/quic-go/quic-go"
)

// A connection ID names who has the connection, so that its packets find there
// from whatever address they come: the worker, the node, and random bytes that
// keep the IDs of a connection apart.
//
// It is long enough for even the shortest packet of a device to be answered
// with a stateless reset, which is never longer than what provoked it.
const (
	workerAt = 0
	nodeAt   = 1
	nodeLen  = 4
	idLen    = 16

	// maxWorkers is well below what a byte can name.
	maxWorkers = 128
)

// errNoSteering means that the system cannot tell sockets of one port apart by
// connection ID.
var errNoSteering = errors.New("packets cannot be steered by connection ID")

// ids makes the connection IDs of one worker. It is a
// quic.ConnectionIDGenerator.
type ids struct {
	node   [nodeLen]byte
	worker byte
}

func (ids) ConnectionIDLen() int { return idLen }

func (i ids) GenerateConnectionID() (quic.ConnectionID, error) {
	var id [idLen]byte
	_, _ = rand.Read(id[nodeAt+nodeLen:]) // never fails
	id[workerAt] = i.worker
	copy(id[nodeAt:], i.node[:])
	return quic.ConnectionIDFromBytes(id[:]), nil
}

// isForeign reports whether a packet belongs to a connection of another node.
// Only the packets of a handshake, whose header is a long one, can carry an ID
// that is not from us.
func isForeign(packet []byte, node [nodeLen]byte) bool {
	const long, at = 0x80, 1 + nodeAt
	return len(packet) >= at+nodeLen && packet[0]&long == 0 && [nodeLen]byte(packet[at:]) != node
}
