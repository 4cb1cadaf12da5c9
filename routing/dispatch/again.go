package dispatch

import "time"

// NATS servers whose disks are full may lose what they took in last: the log's
// consumer then passes events that it never handed out, and jobs are gone for
// which events were settled. So where the log was away, what it stored shortly
// before is read from it and settled once more, whatever became of it.

// Again takes in an event that was read from the log and may be settled: each
// device is asked for it, or its job is stored, unless the device acknowledges
// or the queue has the job. Nothing is acknowledged to the log: if this router
// dies, the others have read the same. It reports false where there is no place
// for the event now.
func (p *Dispatcher) Again(m Message, now time.Time) bool {
	if p.leaving {
		return true
	}
	if l := p.load(m.Tenant); 4*l.weight() > p.part() {
		return false
	}
	p.counts.Again++
	m.Receipt, m.Redelivered = nil, true
	if m.At.After(now) {
		m.At = now
	}
	f := p.flow(m.user(), m.Kind)
	f.raise(p.recent.get(m.user(), m.Kind))
	f.raise(p.heard.get(m.user(), m.Kind))
	f.endHint(m.Version)
	f.again(m)
	p.scratch = p.table.Devices(p.scratch[:0], m.user())
	for _, dev := range p.scratch {
		p.delivery(f, dev.Name)
	}
	for _, d := range f.devices {
		d.stored, d.released = 0, [2]int64{} // its own word counts, and nothing else
	}
	p.driveAll(f, now)
	return true
}

// again holds a message that the log does not hold open.
func (f *flow) again(m Message) {
	f.whole = true
	f.head, f.logged = max(f.head, m.Version), max(f.logged, m.Version)
	if m.Push && m.Version > f.push.version {
		f.push = wish{m.Version, m.At, m.Urgency}
	}
	h := &held{Message: m, flow: f, done: true}
	if f.same(m.Version) == nil && !f.covered(h) {
		f.past.add(m.Version, m.At, m.Urgency)
		f.insert(h)
	}
}
