package session

import (
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// The read deadline stands in for all timers of a session. It is set for the
// earliest thing that is due and, since frames only move that later, left
// alone until it passes; then it is set for what is due by then.

// arm sees to it that the reader wakes up for what is due next. It reports
// false once the session has ended.
func (s *session) arm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closingLocked() {
		return false
	}
	due := min(s.idleAtLocked(), s.leaseDueLocked())
	if s.armed == 0 || due < s.armed {
		s.armed = due
		_ = s.conn.SetReadDeadline(s.serving.srv.start.Add(due))
	}
	return true
}

// idleAtLocked is when the device has been silent for too long. What the edge
// writes counts too, for it starts the device's own interval anew; but not
// for ever, since bytes that nobody receives can be written for a long time.
func (s *session) idleAtLocked() time.Duration {
	wait := heartbeat.Deadline(s.interval)
	return min(max(s.heard, s.wrote)+wait, s.heard+2*wait)
}

// overdue does what is due now.
func (s *session) overdue() *ending {
	s.lock()
	defer s.unlock()
	now := s.now()
	switch {
	case s.closingLocked():
		return nil
	case now >= s.idleAtLocked():
		return endIdle
	case now < s.leaseDueLocked():
		return nil
	case s.warned:
		return endTokenExpired
	}
	s.warned = true
	return s.queueLocked(&wire.GoAway{Body: &wirepb.GoAway{
		GraceMs: s.cfg().Limits.TokenGrace.Milliseconds(),
		Cause:   wirepb.GoAway_CAUSE_TOKEN_EXPIRED,
		Reason:  "the token expires: send Token",
	}})
}

// nextInterval is what to hand out, in whole milliseconds as the frames have
// it.
func (s *session) nextInterval() time.Duration {
	return s.cfg().Heartbeat.Next(time.Now(), &s.view, rand.Float64()).Interval.Truncate(time.Millisecond)
}

// A lease is how long the device's JWT carries the session: until warnAt, when
// the device is warned, and the grace behind it. Both are times of
// session.now.

// maxLease keeps sums of durations from overflowing on a JWT that is meant to
// be good for ever.
const maxLease = 10 * 365 * 24 * time.Hour

// leaseLocked begins the lease of a JWT that is good for left. One that is good
// for less than the grace, or that has run out within the skew of clocks, still
// gets the grace: it has just been accepted.
func (s *session) leaseLocked(left time.Duration) {
	s.warnAt = s.now() + max(min(left, maxLease)-s.cfg().Limits.TokenGrace, 0)
	s.warned = false
}

// leaseDueLocked is when something has to be done about the lease.
func (s *session) leaseDueLocked() time.Duration {
	if s.warned {
		return s.warnAt + s.cfg().Limits.TokenGrace
	}
	return s.warnAt
}

// path is what the engine of heartbeats is told of the network.
func path(kind transport.Kind, n *wirepb.Network) heartbeat.Path {
	p := heartbeat.Path{Transport: heartbeat.TCP}
	if kind == transport.QUIC {
		p.Transport = heartbeat.QUIC
	}
	switch n.GetRadio() {
	case wirepb.Radio_RADIO_WIFI:
		p.Radio = heartbeat.WiFi
	case wirepb.Radio_RADIO_2G:
		p.Radio = heartbeat.Cell2G
	case wirepb.Radio_RADIO_3G:
		p.Radio = heartbeat.Cell3G
	case wirepb.Radio_RADIO_4G:
		p.Radio = heartbeat.Cell4G
	case wirepb.Radio_RADIO_5G:
		p.Radio = heartbeat.Cell5G
	case wirepb.Radio_RADIO_WIRED:
		p.Radio = heartbeat.Wired
	}
	return p
}

// frameBudget counts the frames of the present second.
type frameBudget struct {
	second uint32
	count  uint32
}

// spend reports whether another frame is within limit.
func (b *frameBudget) spend(now time.Duration, limit int) bool {
	if second := uint32(now / time.Second); second != b.second {
		b.second, b.count = second, 0
	}
	b.count++
	return int(b.count) <= limit
}
