package client

import (
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

const (
	// answerTimeout is how long a Ping may stay without any frame in answer.
	answerTimeout = 15 * time.Second
	// secondPing is how long a Ping may stay without an answer before another
	// one asks, with the device's versions. Where the edge was started anew,
	// QUIC answers what belongs to no connection with a reset, but only a
	// packet larger than the reset itself: an empty Ping is too small.
	secondPing = 3 * time.Second
	// challengeTimeout is the same after a change of network, where a dead
	// connection is the likely case.
	challengeTimeout = 5 * time.Second
	// defaultInterval is for an edge that names none.
	defaultInterval = time.Minute
	// minInterval keeps an edge from having the device send all the time.
	minInterval = time.Second
)

// beat knows when to send Ping and when the connection is lost.
type beat struct {
	wake  chan struct{} // never closed; one token: look again
	scale time.Duration // Static: how many times as fast its time passes

	mu sync.Mutex
	// Guarded by mu.
	interval time.Duration
	asleep   bool      // no Pings
	lastAny  time.Time // of any frame in either direction
	pingAt   time.Time // of the first Ping without an answer; zero: none
	second   bool      // a second Ping has asked, too
	patience time.Duration
	network  bool          // the Ping asks whether a change of network was survived
	gap      time.Duration // the silence before that Ping
	good     time.Duration // the longest silence after which a frame came
}

func newBeat(interval time.Duration, scale int, asleep bool) *beat {
	s := time.Duration(scale)
	b := &beat{
		wake: make(chan struct{}, 1), scale: s, interval: defaultInterval / s, asleep: asleep,
		lastAny: time.Now(), patience: answerTimeout / s,
	}
	b.setInterval(interval)
	return b
}

func (b *beat) setInterval(d time.Duration) {
	if d <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interval = max(d, minInterval/b.scale)
	b.wakeLocked()
}

func (b *beat) current() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.interval
}

func (b *beat) wakeLocked() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *beat) sent(ping bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if ping && b.pingAt.IsZero() {
		b.pingAt, b.gap = now, now.Sub(b.lastAny)
		b.wakeLocked()
	}
	b.lastAny = now
}

func (b *beat) received() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.pingAt.IsZero() {
		b.good = max(b.good, now.Sub(b.lastAny))
		b.lastAny = now
		return
	}
	b.lastAny = now
	b.good = max(b.good, b.gap)
	b.pingAt, b.second, b.patience, b.network = time.Time{}, false, answerTimeout/b.scale, false
}

// sleep tells whether the system holds timers back.
func (b *beat) sleep(asleep bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asleep = asleep
	b.wakeLocked()
}

// challenge shortens the patience until the next frame.
func (b *beat) challenge() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.patience, b.network = challengeTimeout/b.scale, true
	// An older Ping proves nothing about the new network.
	b.pingAt, b.second = time.Time{}, false
}

// next returns how long nothing is to be done.
func (b *beat) next() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.pingAt.IsZero() && b.asleep:
		return maxWireTime
	case b.pingAt.IsZero():
		return time.Until(b.lastAny.Add(b.interval))
	case !b.second:
		return time.Until(b.pingAt.Add(secondPing / b.scale))
	default:
		return time.Until(b.pingAt.Add(b.patience))
	}
}

// askAgain reports, once, that a Ping waits for an answer and another one is
// due.
func (b *beat) askAgain() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pingAt.IsZero() || b.second {
		return false
	}
	b.second = true
	return true
}

// asking reports whether a Ping waits for an answer.
func (b *beat) asking() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.pingAt.IsZero()
}

// lost reports whether a Ping stayed without an answer for too long.
func (b *beat) lost() (lost, network bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.pingAt.IsZero() && time.Since(b.pingAt) >= b.patience, b.network
}

// gaps returns the silences to report in the next Hello.
func (b *beat) gaps() (good, firstMiss time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pingAt.IsZero() {
		return b.good, 0
	}
	return b.good, b.gap
}

// keepAlive sends Pings and ends the link when one stays unanswered.
func (l *link) keepAlive() {
	timer := time.NewTimer(l.beat.next())
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-l.beat.wake:
		case <-l.done:
			return
		}
		if lost, network := l.beat.lost(); lost {
			l.fail(lostEnd(network))
			return
		}
		wait := l.beat.next()
		if wait <= 0 {
			l.trySend(l.ping())
			wait = l.beat.next()
		}
		timer.Reset(wait)
	}
}

// ping is the Ping that is due.
func (l *link) ping() *wire.Ping {
	if !l.beat.askAgain() {
		return &wire.Ping{}
	}
	p := &wire.Ping{}
	for _, kind := range l.kinds {
		if own := l.client.versions.get(kind); own > 0 {
			p.Versions = append(p.Versions, wire.KindVersion{Kind: l.kinds.Ref(kind), Version: own})
		}
	}
	return p
}

// lostEnd is the end of a connection that went silent.
func lostEnd(network bool) ending {
	e := timedOut(errNoAnswer)
	if network {
		e.how, e.err = wirepb.LastConnection_END_NETWORK_CHANGED, errNetwork
	}
	return e
}

// challenge asks for a sign of life on a new network.
func (l *link) challenge() {
	l.beat.challenge()
	l.trySend(&wire.Ping{})
}
