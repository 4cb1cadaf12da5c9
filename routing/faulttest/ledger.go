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

// A deviceLedger collects what one device sees.
type deviceLedger struct {
	// Static.
	owner
	name  string
	part  part
	token string // the push token; empty: none
	quic  bool   // set before the device is used

	mu sync.Mutex
	// Guarded by mu.
	saw deviceFacts
	// reached is the newest version of each kind that the device was handed,
	// or pushed where it is not a connected one.
	reached map[string]int64
	// why the last connection ended, or did not come about.
	why error
}

// record adds to one of the lists.
func (d *deviceLedger) record(to func(*deviceFacts) *[]arrival, arrivals ...arrival) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := to(&d.saw)
	*list = append(*list, arrivals...)
	if (d.part == connected) == (list == &d.saw.pushes) || list == &d.saw.told || list == &d.saw.vain {
		return
	}
	if d.reached == nil {
		d.reached = map[string]int64{}
	}
	for _, a := range arrivals {
		d.reached[a.kind] = max(d.reached[a.kind], a.version)
	}
}

// The lists of a device.
func handedTo(f *deviceFacts) *[]arrival    { return &f.handed }
func snapshotsOf(f *deviceFacts) *[]arrival { return &f.snapshots }
func toldTo(f *deviceFacts) *[]arrival      { return &f.told }
func vainOf(f *deviceFacts) *[]arrival      { return &f.vain }
func pushedTo(f *deviceFacts) *[]arrival    { return &f.pushes }

// arrived and departed note where the device is connected. A connection that
// moves arrives before it departs.
func (d *deviceLedger) arrived(edge string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saw.stays = append(d.saw.stays, stay{edge: edge, from: time.Now()})
}

func (d *deviceLedger) departed(edge string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.saw.stays {
		if s := &d.saw.stays[i]; s.edge == edge && s.to.IsZero() {
			s.to = time.Now()
			return
		}
	}
}

// ended notes why a connection ended; whyEnded tells it.
func (d *deviceLedger) ended(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.why = why
}

func (d *deviceLedger) whyEnded() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.why
}

// isConnected reports whether the device has a connection now.
func (d *deviceLedger) isConnected() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.saw.stays, func(s stay) bool { return s.to.IsZero() })
}

// remains reports whether a connection to an edge that began before a time
// has not ended for the device.
func (d *deviceLedger) remains(edge string, before time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.saw.stays, func(s stay) bool {
		return s.edge == edge && s.from.Before(before) && s.to.IsZero()
	})
}

// lacks reports whether a version of heads has not reached the device.
func (d *deviceLedger) lacks(heads map[stream]int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, kind := range kinds() {
		if d.reached[kind] < heads[stream{d.owner, kind}] {
			return true
		}
	}
	return false
}

func (d *deviceLedger) facts() deviceFacts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return deviceFacts{
		owner: d.owner, name: d.name, part: d.part, quic: d.quic,
		handed: slices.Clone(d.saw.handed), snapshots: slices.Clone(d.saw.snapshots),
		told: slices.Clone(d.saw.told), vain: slices.Clone(d.saw.vain), pushes: slices.Clone(d.saw.pushes), stays: slices.Clone(d.saw.stays),
	}
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
