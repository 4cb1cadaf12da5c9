package transport

import (
	"fmt"
	"net"
	"sync/atomic"

	"github.com/quic-go/quic-go"
)

// quicWorker is one of the sockets of a listener, with the connections whose
// packets come there.
type quicWorker struct {
	// Static after listen.
	socket    *net.UDPConn
	transport *quic.Transport
	listener  *quic.EarlyListener

	taken atomic.Int64 // connections so far
}

// listen begins to take connections for l.
func (w *quicWorker) listen(l *quicListener, keys fleetKeys, number byte) error {
	node, err := keys.node(l.cfg.Node)
	if err != nil {
		return err
	}
	reset, err := keys.reset()
	if err != nil {
		return err
	}
	token, err := keys.token()
	if err != nil {
		return err
	}
	w.transport = &quic.Transport{
		Conn:                  newOwn(w.socket, node),
		ConnectionIDGenerator: ids{node: node, worker: number},
		StatelessResetKey:     reset,
		TokenGeneratorKey:     token,
		ConnContext:           l.admit,
		// Under pressure a client must prove its address first: forged
		// packets would otherwise fill the slots, of all or of the source that
		// they name.
		VerifySourceAddress: func(from net.Addr) bool {
			return l.slots.crowded() || l.cfg.Sources.Crowded(addrPort(from).Addr())
		},
	}
	if w.listener, err = w.transport.ListenEarly(l.tls, edgeConfig(l.cfg)); err != nil {
		return fmt.Errorf("transport: listen on quic: %w", err)
	}
	return nil
}

// release cuts every connection of the worker.
func (w *quicWorker) release() {
	if w.transport != nil {
		_ = w.transport.Close()
	}
	_ = w.socket.Close()
}
