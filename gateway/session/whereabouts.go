package session

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// A device on QUIC keeps its connection where it goes, and where its NAT forgets
// it. That shows in its address, which the edge looks at a moment after the
// device spoke.

const (
	// lookAfter is when the address is looked at: the device has to prove a new
	// one first.
	lookAfter = 2 * time.Second
	// lookFrom is the shortest silence in which a NAT is thought to have
	// forgotten anything.
	lookFrom = 10 * time.Second
)

// whereabouts is where a device on QUIC is.
type whereabouts struct {
	said *wirepb.Network // of its network, last
	from place
	gap  steps   // the silence that look is behind
	look looking // why the address is looked at soon
}

// looking is why an address is looked at.
type looking uint8

const (
	notLooking looking = iota
	behindSilence
	behindProbe // which has told what became of the silence before it
	behindWord  // of the device, that it is on another network
)

// settle notes where a device is that has just come.
func (s *session) settle(addr netip.AddrPort, said *wirepb.Network) {
	if r := s.roams; r != nil {
		r.from, r.said = s.serving.srv.placeOf(addr), said
	}
}

// lookSoonLocked has the address looked at.
func (s *session) lookSoonLocked(why looking, gap time.Duration) {
	if r := s.roams; r != nil {
		r.look, r.gap = why, stepsOf(gap)
	}
}

// lookDueLocked is when the device's address has to be looked at.
func (s *session) lookDueLocked() time.Duration {
	if s.roams == nil || s.roams.look == notLooking {
		return never
	}
	return s.heard + s.serving.srv.scaled(lookAfter)
}

// lookLocked looks, where that is due, whether the device came from another
// address: its NAT has forgotten the connection, or it has moved to another
// network. It reports whether the engine was told anything.
func (s *session) lookLocked(at time.Time, now time.Duration) (told bool) {
	if now < s.lookDueLocked() {
		return false
	}
	addr, r := s.conn.RemoteAddr(), s.roams
	why, before := r.look, r.from
	r.look, r.from = notLooking, s.serving.srv.placeOf(addr)
	switch {
	case why == behindWord || r.from.block() != before.block():
		s.cfg().Heartbeat.Move(at, &s.view, path(s.conn.Kind(), addr.Addr(), r.said))
		return true
	case r.from == before:
		return false
	}
	s.serving.srv.metrics.rebindings.Inc()
	if why != behindSilence {
		return false
	}
	s.cfg().Heartbeat.Rebound(at, &s.view, r.gap.duration())
	return true
}

// moved takes up that the device says that it is on another network. On QUIC its
// address may still be that of the one before: until it is looked at, the device
// is on any network of the kind.
func (s *session) moved(n *wirepb.Network) {
	s.lock()
	defer s.unlock()
	s.spared.set(slowRadio, is2G(n))
	addr := s.conn.RemoteAddr().Addr()
	if s.roams != nil {
		addr, s.roams.said = netip.Addr{}, n
		s.lookSoonLocked(behindWord, 0)
	}
	s.cfg().Heartbeat.Move(time.Now(), &s.view, path(s.conn.Kind(), addr, n))
	s.handOutLocked()
}

// place is the address of a device, as 16 bits of a hash of its network and as
// many of all of it: to miss a change now and then does not matter.
type place uint32

func (p place) block() uint16 { return uint16(p >> 16) }

func (srv *Server) placeOf(a netip.AddrPort) place {
	return place(uint16(srv.hash(blockOf(a.Addr()))))<<16 | place(uint16(maphash.Comparable(srv.seed, a)))
}
