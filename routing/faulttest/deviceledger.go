package main

import (
	"slices"
	"sync"
	"time"
)

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
func handedTo(f *deviceFacts) *[]arrival { return &f.handed }

func snapshotsOf(f *deviceFacts) *[]arrival { return &f.snapshots }

func toldTo(f *deviceFacts) *[]arrival { return &f.told }

func vainOf(f *deviceFacts) *[]arrival { return &f.vain }

func pushedTo(f *deviceFacts) *[]arrival { return &f.pushes }

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
