package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/push/pushtest"
)

// A ledger collects facts from everybody who sees some, while the run goes on.
type ledger struct {
	// Static after newLedger.
	devices []*deviceLedger
	byToken map[string]*deviceLedger

	mu sync.Mutex
	// Guarded by mu.
	published []publication
	sent      map[string]bool
	repeats   []repeat
	phases    []phase
	heads     map[stream]int64 // the newest version that was answered
	begun     time.Time        // of the event that began last, of those
	troubles  []string
}

// stream is a kind of a user.
type stream struct {
	owner
	kind string
}

func newLedger(devices []*deviceLedger) *ledger {
	l := &ledger{
		devices: devices, byToken: map[string]*deviceLedger{}, sent: map[string]bool{}, heads: map[stream]int64{},
	}
	for _, d := range devices {
		if d.token != "" {
			l.byToken[d.token] = d
		}
	}
	return l
}

// at is how many devices are connected to an edge now.
func (l *ledger) at(edge string) (n int) {
	for _, d := range l.devices {
		if d.remains(edge, time.Now()) {
			n++
		}
	}
	return n
}

func (l *ledger) sending(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[key] = true
}

func (l *ledger) answered(p publication) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.published = append(l.published, p)
	s := stream{p.owner, p.kind}
	l.heads[s] = max(l.heads[s], p.version)
	if p.begun.After(l.begun) {
		l.begun = p.begun
	}
}

// stores reports whether an event that began after a time was answered.
func (l *ledger) stores(after time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun.After(after)
}

func (l *ledger) repeated(r repeat) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.repeats = append(l.repeats, r)
}

// happened books a phase that is over.
func (l *ledger) happened(p phase) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phases = append(l.phases, p)
}

func (l *ledger) headsNow() map[stream]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.heads)
}

// behind counts the devices that want says and that a version of heads has
// not reached.
func (l *ledger) behind(heads map[stream]int64, want func(part) bool) (n int) {
	for _, d := range l.devices {
		if want(d.part) && d.lacks(heads) {
			n++
		}
	}
	return n
}

// trouble notes what fails the run though no event is lost by it.
func (l *ledger) trouble(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.troubles) < maxFaults {
		l.troubles = append(l.troubles, time.Now().Format(clock)+" "+fmt.Sprintf(format, args...))
	}
}

func (l *ledger) allTroubles() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.troubles)
}

// pushed books what a provider received.
func (l *ledger) pushed(n pushtest.Notification) {
	var payload struct {
		User    string `json:"user"`
		Kind    string `json:"kind"`
		Version int64  `json:"version,string"`
	}
	d := l.byToken[n.Token]
	if err := json.Unmarshal(n.Hawser, &payload); err != nil || d == nil || payload.User != d.user || payload.Version < 1 {
		l.trouble("a push to token %.80q carries the block %.200q, which fits no device", n.Token, n.Hawser)
		return
	}
	d.record(pushedTo, arrival{kind: payload.Kind, version: payload.Version, at: n.At})
}

// facts is a copy of all that was collected so far.
func (l *ledger) facts() facts {
	l.mu.Lock()
	f := facts{
		published: slices.Clone(l.published), sent: maps.Clone(l.sent),
		repeats: slices.Clone(l.repeats), phases: slices.Clone(l.phases),
	}
	l.mu.Unlock()
	for _, d := range l.devices {
		f.devices = append(f.devices, d.facts())
	}
	return f
}
