package session

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// The engine of heartbeats decides; the session tells it what passes and when,
// sends its probes, and knows which of the two spoke first after a silence.

const (
	// answerWithin is for how long a device's Ping that does not say so is
	// taken for the answer to a Probe. A device that did not get the Probe
	// beats by itself, 8 s after it.
	answerWithin = 6 * time.Second
	// afterProbe is when the frame of a device is due that got a Probe, or did
	// not.
	afterProbe = 8 * time.Second
	// lookAfter is when the address of a device on QUIC is looked at, after it
	// spoke from wherever it is: it has to prove the new one first.
	lookAfter = 2 * time.Second
	// lookFrom is the shortest silence in which a NAT is thought to have
	// forgotten anything.
	lookFrom = 10 * time.Second
)

// beats is what a session keeps for the engine. Guarded by the session's mu.
type beats struct {
	view     heartbeat.View
	interval millis // handed out last
	from     place  // of the device; on QUIC only
	probe    steps  // the silence after which a Probe is due; 0: none
	gap      steps  // the silence before the last frame, until the address was looked at; 0: it was
}

// millis is a time in milliseconds, up to 49 days.
type millis uint32

func (m millis) duration() time.Duration { return time.Duration(m) * time.Millisecond }

// steps is a time in steps that are short enough for silences, up to 34 minutes.
type steps uint16

const step = 32 * time.Millisecond

func (s steps) duration() time.Duration { return time.Duration(s) * step }

// stepsOf is 0 for less than a step.
func stepsOf(d time.Duration) steps { return steps(min(max(d/step, 0), 1<<16-1)) }

// scaled is a time of heartbeats as it passes here.
func (srv *Server) scaled(d time.Duration) time.Duration {
	return d / time.Duration(srv.cfg.HeartbeatScale)
}

// deadline is heartbeat.Deadline as time passes here.
func (srv *Server) deadline(interval time.Duration) time.Duration {
	return srv.scaled(heartbeat.Deadline(interval * time.Duration(srv.cfg.HeartbeatScale)))
}

// openView begins what the engine keeps.
func (s *session) openView(hello *wirepb.Hello) {
	addr := s.conn.RemoteAddr()
	s.asleep = hello.Asleep
	s.from = s.serving.srv.placeOf(addr)
	s.view = s.cfg().Heartbeat.Open(time.Now(), heartbeat.Arrival{
		Path:  path(s.conn.Kind(), addr.Addr(), hello.Network),
		Peer:  s.serving.srv.peer(s.device(), addr.Addr()),
		State: s.stateLocked(),
		Last:  report(hello.Last),
	})
	s.planLocked()
}

// stateLocked is what the application does, as far as it matters to beats. On
// iOS it is stopped in the background.
func (s *session) stateLocked() heartbeat.State {
	return heartbeat.State{Background: s.background, Mute: s.muteLocked()}
}

// muteLocked reports whether the device cannot beat.
func (s *session) muteLocked() bool {
	return s.asleep || s.background && s.profile.platform == wirepb.Platform_PLATFORM_IOS
}

// planLocked decides what to hand out, in whole milliseconds as the frames
// have it.
func (s *session) planLocked() {
	p := s.cfg().Heartbeat.Next(time.Now(), &s.view, rand.Float64())
	s.interval, s.probe = millis(max(p.Interval.Milliseconds(), 1)), stepsOf(p.Probe)
	s.serving.srv.metrics.intervals.Observe(p.Interval.Seconds())
}

// handOutLocked tells the device what has been decided anew.
func (s *session) handOutLocked() {
	if s.closingLocked() {
		return
	}
	s.planLocked()
	s.out.pong.Interval = s.interval.duration()
	s.kickLocked()
}

// lastLocked is when the last frame passed, in either direction.
func (s *session) lastLocked() time.Duration { return max(s.heard, s.wrote) }

// heardFrame takes up that a frame of the device has come.
func (s *session) heardFrame(f wire.Frame) (now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Now()
	now = at.Sub(s.serving.srv.start)
	silence := now - s.lastLocked()
	s.lookLocked(at, now)
	s.heard = now
	engine := s.cfg().Heartbeat
	if !s.asked {
		engine.Heard(at, &s.view, silence)
		if s.tries && silence >= s.serving.srv.scaled(lookFrom) {
			s.gap = stepsOf(silence)
		}
		return now
	}
	s.asked = false
	how, silence := s.serving.srv.probeEnd(f, silence)
	s.serving.srv.metrics.probeEnds.WithLabelValues(how).Inc()
	engine.Heard(at, &s.view, silence)
	return now
}

// How a Probe ends, as the label values of metrics.
const (
	probeAnswered  = "answered"
	probeMissed    = "missed"
	probeDisturbed = "disturbed"
)

// probeEnd says what the first frame after a Probe tells, and the silence that
// tells so to the engine, which knows no frames. An answer that comes behind
// another frame tells nothing: the device's own frame opens the way down again,
// and then what was sent before may still arrive. It would be as if the device
// had been away.
func (srv *Server) probeEnd(f wire.Frame, silence time.Duration) (how string, told time.Duration) {
	ping, ok := f.(*wire.Ping)
	switch soon := silence < srv.scaled(answerWithin); {
	case ok && (ping.Answer || soon):
		return probeAnswered, min(silence, srv.scaled(time.Second))
	case soon:
		return probeDisturbed, srv.scaled(time.Minute)
	}
	return probeMissed, max(silence, srv.scaled(afterProbe))
}

// probeDueLocked is when the next Probe is due.
func (s *session) probeDueLocked() time.Duration {
	if s.probe == 0 {
		return never
	}
	return s.lastLocked() + s.probe.duration()
}

// probeLocked sends a Probe.
func (s *session) probeLocked(at time.Time, now time.Duration) *ending {
	s.probe, s.asked = 0, true
	s.cfg().Heartbeat.Probed(at, &s.view, now-s.lastLocked())
	s.serving.srv.metrics.probes.Inc()
	s.wrote = now // it is about to be
	return s.queueLocked(&wire.Probe{})
}

// wroteLocked takes up that something is written; a Notify is answered.
func (s *session) wroteLocked(notify bool) {
	at := time.Now()
	now := at.Sub(s.serving.srv.start)
	if notify && !s.asked {
		s.cfg().Heartbeat.Notified(at, &s.view, now-s.lastLocked())
	}
	s.wrote = now
}

// lookDueLocked is when the device's address has to be looked at.
func (s *session) lookDueLocked() time.Duration {
	if s.gap == 0 {
		return never
	}
	return s.heard + s.serving.srv.scaled(lookAfter)
}

// lookLocked looks, where that is due, whether the device came from another
// address, behind the silence that is kept in gap: its NAT has forgotten the
// connection, or it has moved to another network.
func (s *session) lookLocked(at time.Time, now time.Duration) (other bool) {
	if now < s.lookDueLocked() {
		return false
	}
	gap := s.gap.duration()
	s.gap = 0
	addr := s.conn.RemoteAddr()
	before := s.from
	s.from = s.serving.srv.placeOf(addr)
	switch {
	case s.from == before:
		return false
	case s.from.block() != before.block():
		s.cfg().Heartbeat.Move(at, &s.view, path(s.conn.Kind(), addr.Addr(), nil))
	default:
		s.serving.srv.metrics.rebindings.Inc()
		s.cfg().Heartbeat.Rebound(at, &s.view, gap)
	}
	return true
}

// closeView ends what the engine keeps.
func (s *session) closeView() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg().Heartbeat.Closed(time.Now(), &s.view, s.over.network(), s.now()-s.lastLocked())
}

// place is the address of a device, as 16 bits of a hash of its network and as
// many of all of it: to miss a change now and then does not matter.
type place uint32

func (p place) block() uint16 { return uint16(p >> 16) }

func (srv *Server) placeOf(a netip.AddrPort) place {
	return place(uint16(srv.hash(blockOf(a.Addr()))))<<16 | place(uint16(maphash.Comparable(srv.seed, a)))
}

// peer is who a device is, for the caps of the engine.
func (srv *Server) peer(device deviceKey, addr netip.Addr) heartbeat.Peer {
	return heartbeat.Peer{
		Device:     maphash.Comparable(srv.seed, device),
		Subscriber: srv.hash(prefix(addr, 32, 64)),
		Block:      srv.hash(blockOf(addr)),
	}
}

// hash is 0 for no network.
func (srv *Server) hash(p netip.Prefix) uint64 {
	if !p.IsValid() {
		return 0
	}
	return maphash.Comparable(srv.seed, p)
}

func blockOf(a netip.Addr) netip.Prefix { return prefix(a, 24, 48) }

func prefix(a netip.Addr, bits4, bits6 int) netip.Prefix {
	a = a.Unmap()
	bits := bits6
	if a.Is4() {
		bits = bits4
	}
	p, _ := a.WithZone("").Prefix(bits) // no address has no network
	return p
}

// path is what the engine is told of the network.
func path(kind transport.Kind, addr netip.Addr, n *wirepb.Network) heartbeat.Path {
	p := heartbeat.Path{Transport: heartbeat.TCP, Radio: radioOf(n.GetRadio())}
	if kind == transport.QUIC {
		p.Transport = heartbeat.QUIC
	}
	p.Network = heartbeat.NetworkOf(addr, 0, p.Radio, n.GetIdHash())
	return p
}

func radioOf(r wirepb.Radio) heartbeat.Radio {
	switch r {
	case wirepb.Radio_RADIO_WIFI:
		return heartbeat.WiFi
	case wirepb.Radio_RADIO_2G:
		return heartbeat.Cell2G
	case wirepb.Radio_RADIO_3G:
		return heartbeat.Cell3G
	case wirepb.Radio_RADIO_4G:
		return heartbeat.Cell4G
	case wirepb.Radio_RADIO_5G:
		return heartbeat.Cell5G
	case wirepb.Radio_RADIO_WIRED:
		return heartbeat.Wired
	}
	return heartbeat.Unknown
}

// report is what a device says of its last connection.
func report(l *wirepb.LastConnection) heartbeat.Report {
	r := heartbeat.Report{
		LastGood:  millisToTime(l.GetLastGoodGapMs()),
		FirstMiss: millisToTime(l.GetFirstMissGapMs()),
		Reconnect: millisToTime(l.GetReconnectDelayMs()),
	}
	switch l.GetEnd() {
	case wirepb.LastConnection_END_RESET:
		r.How = heartbeat.HowReset
	case wirepb.LastConnection_END_TIMEOUT:
		r.How = heartbeat.HowTimeout
	}
	return r
}

// millisToTime is bounded: a phone may lie in a drawer for a year, or say that
// it lay for a million.
func millisToTime(ms int64) time.Duration {
	return time.Duration(min(ms, maxLease.Milliseconds())) * time.Millisecond
}
