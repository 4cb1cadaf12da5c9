package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/leak"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// stream is a kind of a user: what has versions.
type stream struct{ user, kind string }

// target is a kind of a device: what is pushed.
type target struct{ user, device, kind string }

func (t target) String() string { return fmt.Sprintf("%s of the %s of %s", t.kind, t.device, t.user) }

// targets are what an event of a stream has to reach.
func (s stream) targets() (all []target) {
	for _, p := range phones() {
		all = append(all, target{s.user, p.name, s.kind})
	}
	return all
}

// publication is an event that was answered.
type publication struct {
	stream
	version int64
	at      time.Time // of the answer
}

// arrival is a push that a provider accepted.
type arrival struct {
	target
	version int64
	at      time.Time
}

// A ledger collects what publishers and providers saw.
type ledger struct {
	// Static after newLedger.
	byToken map[string]target // without kind

	mu sync.Mutex
	// Guarded by mu.
	published []publication
	arrivals  []arrival
	strikes   []strike
	troubles  []string
	leaks     []leak.Finding
	// busy are the streams that have an event which did not reach all of its
	// targets yet.
	busy    map[stream]*busyStream
	reached map[target]int64
	// newest began last of the bursts that reached their devices.
	newest time.Time
}

// busyStream is one with events on their way.
type busyStream struct {
	begun time.Time
	head  int64 // the newest version that was answered
	open  bool  // more events of the same burst follow
}

func newLedger(users int) *ledger {
	l := &ledger{byToken: map[string]target{}, busy: map[stream]*busyStream{}, reached: map[target]int64{}}
	for u := range users {
		for _, p := range phones() {
			l.byToken[pushToken(userName(u), p.name)] = target{user: userName(u), device: p.name}
		}
	}
	return l
}

func (l *ledger) trouble(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.troubles = append(l.troubles, fmt.Sprintf(format, args...))
}

// begin takes a stream for a burst of events. It reports false while events of
// an earlier one are on their way: they would cover one that is lost.
func (l *ledger) begin(s stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[s] != nil {
		return false
	}
	l.busy[s] = &busyStream{begun: time.Now(), open: true}
	return true
}

func (l *ledger) answered(s stream, version int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.published = append(l.published, publication{s, version, time.Now()})
	l.busy[s].head = version
}

// end closes a burst.
func (l *ledger) end(s stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy[s].open = false
	l.freeLocked(s)
}

func (l *ledger) freeLocked(s stream) {
	b := l.busy[s]
	if b == nil || b.open {
		return
	}
	for _, t := range s.targets() {
		if l.reached[t] < b.head {
			return
		}
	}
	delete(l.busy, s)
	if b.begun.After(l.newest) {
		l.newest = b.begun
	}
}

// arrivedSince reports whether events that were published after a moment have
// reached their devices.
func (l *ledger) arrivedSince(at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest.After(at)
}

// young is how many streams have been busy for less than a while: their jobs
// are not in the hands of a worker that was killed, as a rule.
func (l *ledger) young(d time.Duration) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.busy {
		if time.Since(b.begun) < d {
			n++
		}
	}
	return n
}

// waiting is how many streams have events on their way.
func (l *ledger) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.busy)
}

func (l *ledger) struck(s strike) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strikes = append(l.strikes, s)
}

// readProviders takes what the simulators accepted.
func (l *ledger) readProviders(env *devmode.Environment) {
	for _, n := range append(env.APNs.Take(), env.FCM.Take()...) {
		l.accept(n)
	}
}

func (l *ledger) accept(n pushtest.Notification) {
	var h struct{ User, Kind, Version string }
	err := json.Unmarshal(n.Hawser, &h)
	version, numErr := strconv.ParseInt(h.Version, 10, 64)
	t, known := l.byToken[n.Token]
	if err != nil || numErr != nil || !known || t.user != h.User {
		l.trouble("a push that is nobody's, of the event %.200q", n.Hawser)
		return
	}
	t.kind = h.Kind
	l.mu.Lock()
	defer l.mu.Unlock()
	a := arrival{t, version, n.At}
	l.arrivals = append(l.arrivals, a)
	l.reached[a.target] = max(l.reached[a.target], version)
	l.freeLocked(stream{h.User, h.Kind})
}
