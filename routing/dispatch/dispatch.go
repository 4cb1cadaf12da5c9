// Package dispatch decides when an event is settled: when each of its user's
// devices has acknowledged it, has a stored push job, or has neither a push
// token nor a session. Only then its message is acknowledged to the log.
//
// It is a state machine without I/O, goroutine or clock: its owner, one
// goroutine, tells it what happened and when, and carries out the effects
// that it calls for. Effects must not call back into the Dispatcher.
//
// # Words
//
// A flow is what is open of one user and kind: the messages held, and a
// delivery for each device. Messages of a flow that a later one covers are
// acknowledged at once, since the later one stays open in the log and names
// the greater version: a flow holds at most one message of each class (with or
// without push, by urgency), however hot its user, and the oldest one. That is
// kept until every device has settled it, for its time is the one from which
// patience counts: when this router dies, the next one is given it too.
//
// A delivery asks its device's session for the flow's head until the edge
// answers that the device acknowledged it, that the session is gone, or
// until the patience of the oldest unacknowledged event is over.
package dispatch

import (
	"math"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// Message is one event as the log delivers it.
type Message struct {
	Tenant, User, Kind string
	Version            int64
	// At is when the log stored it.
	At      time.Time
	Urgency routing.Urgency
	// Push says that a device that does not hear of it is to be pushed, with
	// Content or, where that is empty, the kind's default.
	Push    bool
	Content []byte
	// Strict: its push jobs are stored before devices are told; see strict.go.
	Strict bool
	// Redelivered says that a router had it before.
	Redelivered bool
	// Receipt is handed back with Ack, Nak and Progress. Not nil.
	Receipt any
}

// Dispatcher is the state of all open events of a router.
type Dispatcher struct {
	// Static after construction.
	cfg   Config
	table *table.Table
	out   Effects

	users  map[table.UserID]*user
	timers timers
	hold   hold
	// loads are the tenants with something open; shared is what SetShared
	// told.
	loads  map[string]*load
	shared int
	// pace is that of pushes to lost edges' devices.
	pace pace
	// recent are kinds settled without some device, heard those that every
	// known device acknowledged.
	recent  recent
	heard   recent
	closed  closed
	waits   waits
	checks  checks
	devices int
	scratch []table.Device
	leaving bool
	counts  Counts
}

// user is a user with open flows.
type user struct{ flows []*flow }

// New returns a Dispatcher that looks devices up in t, which it shares with
// its owner.
func New(cfg Config, t *table.Table, out Effects) *Dispatcher {
	cfg = cfg.withDefaults()
	return &Dispatcher{
		cfg: cfg, table: t, out: out,
		users:  make(map[table.UserID]*user),
		hold:   hold{every: cfg.AckWait / 3},
		loads:  make(map[string]*load),
		shared: math.MaxInt,
		pace:   newPace(cfg.LostRate),
		recent: newRecent(cfg.MaxRecent, cfg.RecentFor),
		heard:  newRecent(cfg.MaxRecent, cfg.RecentFor),
		closed: newClosed(), waits: newWaits(),
		checks: checks{open: make(map[checkKey][]*check)},
	}
}

// Message takes in an event.
func (p *Dispatcher) Message(m Message, now time.Time) {
	if p.leaving {
		p.out.Nak(m.Receipt)
		return
	}
	p.counts.Messages++
	if m.Redelivered {
		p.counts.Redelivered++
	}
	id := m.user()
	past := p.recent.get(id, m.Kind)
	if past.covers(m) || p.heard.get(id, m.Kind).covers(m) {
		p.counts.Superseded++
		p.out.Ack(m.Receipt)
		return
	}
	l := p.load(m.Tenant)
	if p.putsOff(l, &m, now) {
		p.out.Defer(m.Receipt)
		return
	}
	f := p.flow(id, m.Kind)
	f.raise(past)
	f.endHint(m.Version)
	if !p.enter(f, m, now) {
		return
	}
	p.scratch = p.table.Devices(p.scratch[:0], id)
	for _, d := range p.scratch {
		p.delivery(f, d.Name)
	}
	p.driveAll(f, now)
	p.relieve(l, now)
}

func (m *Message) user() table.UserID { return table.UserID{Tenant: m.Tenant, User: m.User} }

// enter puts a message into its flow. It reports false where there is
// nothing new to do for it.
func (p *Dispatcher) enter(f *flow, m Message, now time.Time) bool {
	if at := m.At; at.After(now) {
		m.At = now // the log's clock is ahead of ours
	}
	if same := f.same(m.Version); same != nil {
		// Delivered again while it is held. To acknowledge the former delivery
		// would acknowledge this one too.
		same.Receipt = m.Receipt
		if same.done {
			same.done = false // the log did not hold it open: see Again
			p.keep(same, now)
		}
		return false
	}
	h := &held{Message: m, flow: f}
	if f.covered(h) && !f.older(h) {
		p.counts.Superseded++
		p.out.Ack(m.Receipt)
		return false
	}
	if now.Sub(m.At) > m.Urgency.Patience() {
		p.counts.Late++
	}
	for _, old := range f.add(h) {
		p.counts.Superseded++
		f.passed++
		p.release(old)
	}
	p.keep(h, now)
	return true
}

// keep counts a message that the log holds open, and keeps it alive there.
func (p *Dispatcher) keep(h *held, now time.Time) {
	p.hold.add(h, now)
	p.load(h.Tenant).add(h)
}

// drop no longer holds a message.
func (p *Dispatcher) drop(h *held) {
	if !h.done {
		p.hold.drop(h)
		p.load(h.Tenant).drop(h)
	}
}

// release acknowledges a held message.
func (p *Dispatcher) release(h *held) {
	p.drop(h)
	if h.Receipt != nil {
		p.out.Ack(h.Receipt)
	}
}

// returned gives a held message back to the log.
func (p *Dispatcher) returned(h *held, by func(receipt any)) {
	p.drop(h)
	if h.Receipt != nil {
		by(h.Receipt)
	}
}

// Due does what is due for devices. Tick does that too: to call Due more often
// has them decided on sooner.
func (p *Dispatcher) Due(now time.Time) {
	for d := p.timers.due(now); d != nil; d = p.timers.due(now) {
		p.drive(d, now)
		p.collect(d.flow, now)
	}
}

// Tick does what is due. Call it at least every 100 ms.
func (p *Dispatcher) Tick(now time.Time) {
	p.Due(now)
	p.relieveAll(now)
	p.hold.progress(now, p.out.Progress)
	p.recent.expire(now)
	p.heard.expire(now)
	p.closed.expire(now)
	p.waits.expire(now)
	p.expireChecks(now)
}

// Abandon forgets all that is held without a word to the log, which delivers it
// again to somebody, and reports how much that was: its owner was away, so that
// others have it by now.
func (p *Dispatcher) Abandon() (held int) {
	held = p.hold.open
	p.counts.Abandoned += uint64(held)
	for _, u := range p.users {
		for _, f := range u.flows {
			for _, h := range f.held {
				p.drop(h)
			}
			f.retired = true
		}
	}
	p.forget()
	return held
}

// forget ends all flows and questions.
func (p *Dispatcher) forget() {
	p.users = make(map[table.UserID]*user)
	p.timers = timers{}
	p.devices = 0
	clear(p.loads)
	p.abandonChecks()
}

// Leave returns all held messages to the log, and all that are still handed
// in: the router drains.
func (p *Dispatcher) Leave() {
	p.leaving = true
	for _, u := range p.users {
		for _, f := range u.flows {
			for _, h := range f.held {
				p.returned(h, p.out.Nak)
			}
		}
	}
	p.forget()
}
