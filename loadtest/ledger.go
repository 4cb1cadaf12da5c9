package main

import (
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// kinds are what every device has versions of.
var kinds = [...]string{"contacts", "messages", "moments"}

// published is the kind of the notifies that are measured.
const published = "messages"

// ledger is what one user was told, beside what was published to it.
type ledger struct {
	mu sync.Mutex
	// Guarded by mu.
	has   [len(kinds)]int64 // what the device says that it has
	since time.Time         // of the present connection; zero: none
	// last is what the present connection was told last, by kind.
	last [len(kinds)]int64

	// underWay publications have no answer yet; meanwhile arrivals are kept,
	// because a notify may overtake the answer.
	underWay int
	arrivals []arrival
	waiting  []publication
}

// arrival is a notify at the device.
type arrival struct {
	version int64
	at      time.Time
}

// publication is one that was answered and not heard of yet.
type publication struct {
	version int64
	due     time.Time // when it was to be published
	took    *histogram
}

// connected notes a new connection.
func (l *ledger) connected(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since, l.last = now, [len(kinds)]int64{}
}

// disconnected notes its end.
func (l *ledger) disconnected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since = time.Time{}
}

// fill notes the version that a kind begins with.
func (l *ledger) fill(kind int, version int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.has[kind] = max(l.has[kind], version)
}

// versions is what Hello says.
func (l *ledger) versions() (all []*wirepb.KindVersion) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, v := range l.has {
		if v > 0 {
			all = append(all, &wirepb.KindVersion{Kind: kinds[i], Version: v})
		}
	}
	return all
}

// begin notes that a publication is on its way.
func (l *ledger) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.underWay++
}

// answered notes a publication's version; 0 where it was refused. It reports
// whether the device has heard already.
func (l *ledger) answered(p publication) (heard bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.underWay--
	defer l.forget()
	if p.version == 0 {
		return false
	}
	for _, a := range l.arrivals {
		if a.version >= p.version {
			l.count(p, a.at)
			return true
		}
	}
	l.waiting = append(l.waiting, p)
	return false
}

// forget drops the arrivals that no publication waits for.
func (l *ledger) forget() {
	if l.underWay == 0 {
		l.arrivals = nil
	}
}

// hear notes a notify. It reports how many publications it is the news of,
// and whether it went backwards.
func (l *ledger) hear(kind int, version int64, now time.Time) (heard int, backwards bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	backwards = version < l.last[kind]
	l.last[kind], l.has[kind] = version, max(l.has[kind], version)
	if kinds[kind] != published {
		return 0, backwards
	}
	if l.underWay > 0 {
		l.arrivals = append(l.arrivals, arrival{version, now})
	}
	left := l.waiting[:0]
	for _, p := range l.waiting {
		if p.version > version {
			left = append(left, p)
			continue
		}
		heard++
		l.count(p, now)
	}
	l.waiting = left
	if len(left) == 0 {
		l.waiting = nil
	}
	return heard, backwards
}

// count takes the latency of a publication, unless the device was away
// meanwhile: that time is the device's own.
func (l *ledger) count(p publication, at time.Time) {
	if !l.since.IsZero() && l.since.Before(p.due) {
		p.took.record(at.Sub(p.due))
	}
}
