package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

const (
	// reask is the time between two notifies that were not answered "acked".
	reask = time.Second
	// lastAsk is how long before the end of its patience a device is asked for
	// the last time, or up to twice as long: an answer that was lost before
	// costs no push then, and of a hundred thousand whose time ends together all
	// have answered before they are decided on. Each is asked when its turn is,
	// as it was at first, for to ask all of them at one moment takes too long.
	lastAsk = 500 * time.Millisecond
)

// ask notifies the session of the head: at once when it or the head is new,
// then again until the delivery is settled.
func (p *Dispatcher) ask(d *delivery, s table.Session, deadline, now time.Time) {
	if d.acked >= d.flow.head {
		return
	}
	if s != d.asked {
		late := !deadline.IsZero() && !now.Before(deadline)
		if d.asked.Exists() || late || d.flow.redelivered() {
			d.graceUntil = now.Add(grace)
		}
		d.asked, d.askSince, d.askedVersion, d.answered = s, now, 0, 0
	}
	d.hearOut(deadline, now)
	fresh := d.askedVersion < d.flow.head && d.mayTell(now)
	again := !now.Before(d.askAgain(deadline)) && (d.open() || !d.remindUntil.IsZero())
	if !fresh && !again {
		return
	}
	if !fresh {
		p.counts.Reasked++
	}
	d.askedVersion, d.askedAt = d.flow.head, now
	p.counts.Notifies++
	p.out.Notify(s, d.flow.kind, d.flow.head, d.urgency())
}

// hearOut gives a session the moment that it has at least, where it was asked
// first and its time turned out to be over afterwards: the log's clock may be
// behind that of the router, whose hint the session was asked on.
func (d *delivery) hearOut(deadline, now time.Time) {
	until := d.askSince.Add(grace)
	if !deadline.IsZero() && !now.Before(deadline) && now.Before(until) && d.graceUntil.Before(until) {
		d.graceUntil = until
	}
}

// askAgain is when the session is asked again, if nothing is heard of it.
func (d *delivery) askAgain(deadline time.Time) time.Time {
	at, last := d.askedAt.Add(reask), deadline.Add(-lastAsk)
	switch {
	case at.Before(last), at.After(deadline.Add(lastAsk)):
		return at
	case d.askedAt.Before(last.Add(-lastAsk)):
		return d.askedAt.Add(lastAsk)
	default:
		return deadline.Add(lastAsk)
	}
}

// urgency is the greatest of what the device has not acknowledged.
func (d *delivery) urgency() routing.Urgency {
	_, u, _ := d.flow.past.after(d.acked)
	return max(u, d.flow.hintUrgency).Or(routing.UrgencyNormal)
}
