package session

import (
	"math"
	"time"

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
	due := min(s.idleAtLocked(), s.leaseDueLocked(), s.probeDueLocked(), s.lookDueLocked())
	if s.armed == 0 || due < s.armed {
		s.armed = due
		_ = s.conn.SetReadDeadline(s.serving.srv.start.Add(due))
	}
	return true
}

const (
	// stalled is how late the edge is awake where the machine stood still, or
	// has far too much to do. Otherwise it is milliseconds.
	stalled = 2 * time.Second
	// secondLook is for how long it reads then before it gives a device up.
	secondLook = time.Second
)

// never is later than everything that is due.
const never = time.Duration(math.MaxInt64)

// idleAtLocked is when the device has been silent for too long. What the edge
// writes counts too, for it starts the device's own interval anew; but not
// for ever, since bytes that nobody receives can be written for a long time.
// One that was sent a Probe answers it, or beats soon.
func (s *session) idleAtLocked() time.Duration {
	srv := s.serving.srv
	interval := s.interval.duration()
	if s.muteLocked() {
		interval = srv.scaled(heartbeat.Max)
	}
	most := srv.deadline(interval)
	wait := most
	if s.asked != nothing {
		wait = srv.deadline(srv.scaled(afterProbe))
	}
	return min(s.lastLocked()+wait, s.heard+2*most)
}

// overdue does what is due now.
func (s *session) overdue() *ending {
	s.lock()
	defer s.unlock()
	if s.closingLocked() {
		return nil
	}
	at := time.Now()
	now := at.Sub(s.serving.srv.start)
	if s.lookLocked(at, now) {
		s.handOutLocked()
	}
	if now >= s.probeDueLocked() {
		return s.probeLocked(at, now)
	}
	switch idle := now - s.idleAtLocked(); {
	case idle >= stalled:
		// It was the edge that did not look. What has come meanwhile is read
		// first: the silence is taken to be as long as it may just be.
		idle += s.serving.srv.scaled(secondLook)
		s.heard += idle
		s.wrote += idle
		return nil
	case idle >= 0:
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

// seconds is a time in seconds since 1970, until 2106.
func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }

// frameBudget counts the frames of the present second. The seconds begin anew
// after 18 hours: that a frame of then counts with those of now does not mind.
type frameBudget struct {
	second uint16
	count  uint16
}

// spend reports whether another frame is within limit.
func (b *frameBudget) spend(now time.Duration, limit int) bool {
	if second := uint16(now / time.Second); second != b.second {
		b.second, b.count = second, 0
	}
	if int(b.count) >= min(limit, math.MaxUint16) {
		return false
	}
	b.count++
	return true
}
