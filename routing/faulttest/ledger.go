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
	kills     []time.Time
	troubles  []string
}

func newLedger(devices []*deviceLedger) *ledger {
	l := &ledger{devices: devices, byToken: map[string]*deviceLedger{}, sent: map[string]bool{}}
	for _, d := range devices {
		if d.token != "" {
			l.byToken[d.token] = d
		}
	}
	return l
}

// A deviceLedger collects what one device sees.
type deviceLedger struct {
	// Static.
	user  string
	part  part
	token string // the push token; empty: none

	mu  sync.Mutex
	saw deviceFacts // Guarded by mu.
}

// record adds to one of the lists.
func (d *deviceLedger) record(to func(*deviceFacts) *[]arrival, arrivals ...arrival) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := to(&d.saw)
	*list = append(*list, arrivals...)
}

// The lists of a device.
func handedTo(f *deviceFacts) *[]arrival    { return &f.handed }
func snapshotsOf(f *deviceFacts) *[]arrival { return &f.snapshots }
func toldTo(f *deviceFacts) *[]arrival      { return &f.told }
func pushedTo(f *deviceFacts) *[]arrival    { return &f.pushes }

func (d *deviceLedger) facts() deviceFacts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return deviceFacts{
		user: d.user, part: d.part,
		handed: slices.Clone(d.saw.handed), snapshots: slices.Clone(d.saw.snapshots),
		told: slices.Clone(d.saw.told), pushes: slices.Clone(d.saw.pushes),
	}
}

func (l *ledger) sending(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[id] = true
}

func (l *ledger) answered(p publication) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.published = append(l.published, p)
}

func (l *ledger) repeated(r repeat) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.repeats = append(l.repeats, r)
}

func (l *ledger) killed(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kills = append(l.kills, at)
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
		repeats: slices.Clone(l.repeats), kills: slices.Clone(l.kills),
	}
	l.mu.Unlock()
	for _, d := range l.devices {
		f.devices = append(f.devices, d.facts())
	}
	return f
}
