package transport

import (
	"net/netip"
	"time"

	"github.com/hawser-edge/hawser/gateway/admission"
)

// Welcomed says of an accepted connection that its device is known: until then
// it counts among the unfinished ones of its source, see ListenConfig.Sources.
func Welcomed(c Conn) {
	if w, ok := c.(interface{ welcomed() }); ok {
		w.welcomed()
	}
}

// enter asks gate 1 for a connection that has just come. The answer is a Reject
// reason, or empty.
func (g *gate) enter(p *admission.Place, from netip.AddrPort) string {
	if !g.cfg.Room() {
		return RejectMemory
	}
	refusal := g.cfg.Sources.Enter(p, from.Addr())
	if refusal != admission.Admitted {
		g.cfg.Log.Warn("a source has as many connections as one may have, more are refused",
			"transport", string(g.kind), "source", from.Addr(), "bound", string(refusal))
	}
	return string(refusal)
}

// Sockets is how many connections a listener of TCP has, unfinished ones too;
// 0 for any other.
func Sockets(l Listener) int {
	if t, ok := l.(*tcpListener); ok {
		return t.open.count() + t.busy.count()
	}
	return 0
}

// Waiting is how many connections the system holds for a listener of TCP that it
// has not accepted yet; 0 for any other, and where that is not known.
func Waiting(l Listener) int {
	if t, ok := l.(*tcpListener); ok {
		return t.door.waiting()
	}
	return 0
}

// Delay is about how long a client of a listener waits now from its first
// packet to the end of its handshake; 0 where that is not measured, as on QUIC.
func Delay(l Listener) time.Duration {
	if t, ok := l.(*tcpListener); ok {
		return t.busy.delay(t.door.waiting())
	}
	return 0
}
