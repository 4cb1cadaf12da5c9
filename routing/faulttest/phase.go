package main

import (
	"fmt"
	"slices"
	"time"
)

// A phase of a run is one fault, what came of it, and the calm after it.
type phase struct {
	fault string
	// victims are the members concerned.
	victims []string
	// from is when the fault began, until when it was over: from there on
	// nothing may be late on its account.
	from, until time.Time
	// healed is how long it took, after until, before nothing was missing.
	healed time.Duration
	// edge is set where the fault concerns the devices of one edge only, and
	// the others not at all.
	edge string
	// died is set where that edge ended: its devices have to come back.
	died bool
	// forgets is set where all NATS servers start anew: they read from the log
	// which ids they know, and the log is bounded.
	forgets bool
	limits  limits
}

// belongsTo is how much earlier than a fault an event may have begun that is
// still the fault's: it may have been under way.
const belongsTo = time.Second

// phaseOf is the phase that an event is booked under, by when it began.
func phaseOf(phases []phase, begun time.Time) int {
	return phaseAt(phases, begun.Add(belongsTo))
}

// phaseAt is the phase of a moment. What came before the first is the first's.
func phaseAt(phases []phase, at time.Time) int {
	i, _ := slices.BinarySearchFunc(phases, at, func(p phase, at time.Time) int { return p.from.Compare(at) })
	if i < len(phases) && phases[i].from.Equal(at) {
		return i
	}
	return max(i-1, 0)
}

// concerns reports whether the fault may delay an event for a device.
func (p *phase) concerns(d *deviceFacts, e publication) bool {
	if p.edge != "" {
		return d.on(p.edge, p.from, p.until)
	}
	return e.begun.Before(p.until)
}

// A row of the table is what a phase did.
type row struct {
	// Events is how many were published; Late how many of them reached a
	// connected device later than lateAfter after their answer.
	Events, Late int
	// Publish is the longest time that a publisher waited for an answer.
	Publish time.Duration
	// Stall and Rest are the longest times that a connected device waited for
	// an event after its answer: events or devices that the fault concerns,
	// and all others. Quic is Stall for devices over QUIC whose edge it was:
	// without a close nothing reaches them before their next beat. Push is the longest that a push to an away device took.
	Stall, Rest, Quic, Push delay
	// Lost, Backwards and Twice count events and arrivals of the phase; Twice
	// are items handed and pushes sent again.
	Lost, Backwards, Twice int
}

// lateAfter is what is late. A loaded machine delays a message by tenths of a
// second without a fault.
const lateAfter = time.Second

// delay is how long an event took to reach a device, from its answer.
type delay struct {
	took   time.Duration
	device string
	event  publication
	by     arrival
	of     *deviceFacts
}

// way says what a device without the SDK knew of the event before it got there.
func (d delay) way() string {
	if d.of == nil || len(d.of.told) == 0 {
		return ""
	}
	told := "never"
	for _, a := range d.of.told {
		if a.kind == d.event.kind && a.version >= d.event.version && !a.at.After(d.by.at) {
			told = "at " + a.at.Format(clock)
			break
		}
	}
	vain := 0
	for _, a := range d.of.vain {
		if a.kind == d.event.kind && a.at.After(d.event.begun) && a.at.Before(d.by.at) {
			vain++
		}
	}
	return fmt.Sprintf(", told %s, %d syncs failed", told, vain)
}

func (d *delay) atLeast(other delay) {
	if other.took > d.took {
		*d = other
	}
}

// rows gathers the rows of a table while the checker goes through the facts.
type rows struct {
	phases []phase
	rows   []row
	late   map[string]bool // by key
}

func newRows(f facts) *rows {
	r := &rows{phases: f.phases, rows: make([]row, len(f.phases)), late: map[string]bool{}}
	if len(r.phases) == 0 { // all is one
		r.phases, r.rows = []phase{{}}, make([]row, 1)
	}
	for _, e := range f.published {
		row := &r.rows[phaseOf(r.phases, e.begun)]
		row.Events++
		row.Publish = max(row.Publish, e.answered.Sub(e.begun))
	}
	return r
}

func (r *rows) heard(d *deviceFacts, e publication, by arrival) time.Duration {
	i := phaseOf(r.phases, e.begun)
	p, row := &r.phases[i], &r.rows[i]
	took := delay{max(by.at.Sub(e.answered), 0), d.String(), e, by, d}
	concerned := p.concerns(d, e)
	switch {
	case concerned && d.quic && p.edge != "":
		row.Quic.atLeast(took)
		return took.took
	case concerned:
		row.Stall.atLeast(took)
	default:
		row.Rest.atLeast(took)
	}
	if took.took > lateAfter && !r.late[e.key] {
		r.late[e.key] = true
		row.Late++
	}
	return took.took
}

func (r *rows) pushed(d *deviceFacts, e publication, by arrival) {
	if d.part == away {
		r.rows[phaseOf(r.phases, e.begun)].Push.atLeast(delay{max(by.at.Sub(e.answered), 0), d.String(), e, by, d})
	}
}

func (r *rows) lost(e publication)     { r.rows[phaseOf(r.phases, e.begun)].Lost++ }
func (r *rows) backwards(at time.Time) { r.rows[phaseAt(r.phases, at)].Backwards++ }
func (r *rows) twice(at time.Time)     { r.rows[phaseAt(r.phases, at)].Twice++ }
