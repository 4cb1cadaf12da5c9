package dispatch

import (
	"slices"
	"time"
)

// Room is shared in one rule: a tenant may hold as much as is free. One
// tenant alone gets up to half of the places, two get a third each, and so on;
// whoever comes next always finds room, and nothing has to be configured.
//
// A tenant's silent devices could fill its part with events that wait for
// their patience. So from half of its part on its oldest waiting events are
// settled as if their patience were over: the fuller it is the shorter it
// gets. Nothing is lost by that, and no push is sent early: the job waits in the
// push queue instead, whose worker asks about the device until the patience of
// the event is over.
//
// What comes on top of a tenant's part is put off: the log delivers it again
// some seconds later. It goes on counting as open for the log, so that the
// tenant's publishers are to be held back from then on.

const (
	// leastPart of MaxPending is what each tenant may hold though the log's
	// places are all taken, as long as this router has room: what was put off
	// must be taken in the end.
	leastPart = 64
	// relieveAtOnce bounds the events relieved in one call.
	relieveAtOnce = 256
	// crowdedFor is how long a tenant counts as crowded after an event of it
	// was put off.
	crowdedFor = 2 * time.Second
)

// load is what one tenant has open.
type load struct {
	// open messages, those of them that wait for their patience, and open
	// deliveries.
	open, waiting, devices int
	// queue has the waiting messages by arrival, and others that are done.
	queue []*held
	// putOffAt is when a message of the tenant was last put off.
	putOffAt time.Time
}

// weight is what a tenant takes of MaxPending: two devices count as one
// message.
func (l *load) weight() int { return max(l.open, l.devices/2) }

func (l *load) add(h *held) {
	l.open++
	l.waiting++
	if len(l.queue) > 2*l.waiting+64 {
		l.queue = slices.DeleteFunc(l.queue, func(h *held) bool { return h.done || h.hurried })
	}
	l.queue = append(l.queue, h)
}

func (l *load) drop(h *held) {
	l.open--
	l.hurry(h)
}

// hurry takes a message out of those that wait.
func (l *load) hurry(h *held) {
	if !h.hurried {
		h.hurried = true
		l.waiting--
	}
}

// oldest takes the message out that has waited for the longest time.
func (l *load) oldest() *held {
	for len(l.queue) > 0 {
		h := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		if !h.done && !h.hurried {
			return h
		}
	}
	return nil
}

func (p *Dispatcher) load(tenant string) *load {
	l := p.loads[tenant]
	if l == nil {
		l = &load{}
		p.loads[tenant] = l
	}
	return l
}

// SetShared tells how many more messages the log hands out to all routers
// together before it waits for acknowledgements.
func (p *Dispatcher) SetShared(room int) { p.shared = room }

// part is how much one tenant may hold now.
func (p *Dispatcher) part() int {
	own := p.cfg.MaxPending - max(p.hold.open, p.devices/2)
	return max(0, min(own, max(p.shared, p.cfg.MaxPending/leastPart)))
}

// relieve shortens the patience of a tenant that fills its part.
func (p *Dispatcher) relieve(l *load, now time.Time) {
	for range relieveAtOnce {
		if l.waiting == 0 || 2*max(l.waiting, l.devices/2) <= p.part() {
			return
		}
		h := l.oldest()
		if h == nil {
			return
		}
		for _, x := range h.flow.held {
			if !x.done {
				l.hurry(x)
			}
		}
		p.counts.Relieved++
		p.driveAll(h.flow, now)
	}
}

// relieveAll does so for every tenant, and forgets those with nothing open.
func (p *Dispatcher) relieveAll(now time.Time) {
	for tenant, l := range p.loads {
		p.relieve(l, now)
		if l.open == 0 && l.devices == 0 && now.Sub(l.putOffAt) > crowdedFor {
			delete(p.loads, tenant)
		}
	}
}

// putsOff reports whether there is no place for a message of the tenant. One
// that takes the place of another always has one.
func (p *Dispatcher) putsOff(l *load, m *Message, now time.Time) bool {
	if l.weight() < p.part() {
		return false
	}
	if f := p.find(m.user(), m.Kind); f != nil && f.replaces(m) {
		return false
	}
	l.putOffAt = now
	p.counts.PutOff++
	return true
}

// Crowded appends the tenants of which an event was put off just now.
func (p *Dispatcher) Crowded(dst []string, now time.Time) []string {
	for tenant, l := range p.loads {
		if !l.putOffAt.IsZero() && now.Sub(l.putOffAt) <= crowdedFor {
			dst = append(dst, tenant)
		}
	}
	return dst
}
