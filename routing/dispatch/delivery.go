package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// delivery is what is open between a flow and one device.
type delivery struct {
	// Static after construction.
	flow   *flow
	device string

	// What is known, as the greatest versions: acked by the device; stored as
	// a push job; released, because nothing more can or need be done for it,
	// for events without [0] and with [1] a push.
	acked, stored int64
	released      [2]int64

	// asked is the session that was asked, since askSince, last at askedAt
	// for askedVersion; answered is what its edge says it holds for it. gone
	// is a session that its edge does not know.
	asked        table.Session
	askSince     time.Time
	askedAt      time.Time
	askedVersion int64
	answered     int64
	gone         table.Session
	// graceUntil is before when the asked session is not given up.
	graceUntil time.Time
	// fetchedAt is when its edge last said that the device was fetching.
	fetchedAt time.Time
	// ridesUntil is set where the notify waits at the edge for the device's
	// next frame.
	ridesUntil time.Time
	// insured is the version whose job is stored to be made once the patience
	// is over, insureSince since when such a job is wanted.
	insured     int64
	insureSince time.Time
	// burst counts the notifies of new versions since burstAt.
	burst   int
	burstAt time.Time
	// waitUntil is before when a device whose edge was lost is not pushed,
	// slot its place among them afterwards.
	waitUntil, slot time.Time
	// remindUntil is set while a session is asked for what was settled before
	// it registered.
	remindUntil time.Time
	// away is the version for which the device was last found away.
	away int64

	// storing is the version whose job is being stored, or 0. After failures
	// it is tried again at storeAt.
	storing  int64
	failures int
	storeAt  time.Time

	due   time.Time
	timer int // in timers; -1: not in it
}

// reason says how a device settles a message.
type reason uint8

const (
	open reason = iota
	byAck
	byJob
	byRelease
)

func (d *delivery) settles(h *held) reason {
	switch {
	case h.Version <= d.acked:
		return byAck
	case h.Version <= d.stored:
		return byJob
	case h.Push && h.Version <= d.released[1], !h.Push && h.Version <= d.released[0]:
		return byRelease
	default:
		return open
	}
}

func (d *delivery) open() bool {
	for _, h := range d.flow.held {
		if d.settles(h) == open {
			return true
		}
	}
	return false
}

func (d *delivery) id() table.DeviceID { return table.DeviceID{UserID: d.flow.user, Device: d.device} }

// drive does for one device what can be done now, and plans when to look
// again.
func (p *Dispatcher) drive(d *delivery, now time.Time) {
	if d.flow.retired {
		return
	}
	d.flow.expireHint(now)
	dev := p.table.Device(d.id())
	if dev.Session == d.gone {
		dev.Session = table.Session{}
	}
	s := dev.Session
	since, patience := d.patience()
	deadline := since.Add(patience)
	d.endReminder(s, now)
	d.endRide(since, now)
	if s.Exists() && !p.insure(d, dev, deadline, now) {
		p.ask(d, s, deadline, now)
	}
	if d.open() {
		p.decide(d, dev, deadline, now)
	}
	if !d.flow.retired {
		p.timers.set(d, d.next(s, deadline, now))
	}
}

// patience is counted from the oldest event that the device did not
// acknowledge and for which no job is stored.
func (d *delivery) patience() (since time.Time, patience time.Duration) {
	at, u, ok := d.flow.past.after(max(d.acked, d.stored))
	if !ok {
		return time.Time{}, 0
	}
	return at, u.Patience()
}

// endReminder ends the reminding of what was settled before, once the edge has it.
func (d *delivery) endReminder(s table.Session, now time.Time) {
	if d.remindUntil.IsZero() {
		return
	}
	head := d.flow.head
	if !s.Exists() || d.acked >= head || s == d.asked && d.answered >= head || !now.Before(d.remindUntil) {
		d.remindUntil = time.Time{}
	}
}

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

// decide gives up waiting where it is time to.
func (p *Dispatcher) decide(d *delivery, dev table.Device, deadline, now time.Time) {
	since, _ := d.patience()
	switch {
	case !dev.Session.Exists():
		if d.waitUntil = p.comesBack(d, dev, deadline, now); !now.Before(d.waitUntil) {
			p.reachAway(d, dev, now)
		}
	case d.flow.hurried():
		p.hurry(d, dev, now)
	case now.Before(d.graceUntil), now.Before(d.fetchUntil(deadline)), now.Before(d.rideUntil(since)) && !p.outran(d, now):
	case !now.Before(deadline):
		p.missed(d, dev, deadline, now)
	case dev.Doubtful:
		p.reachSlow(d, dev, now)
	case dev.Background && dev.HasToken, dev.HasToken && p.outran(d, now):
		p.store(d, now)
	}
}

// fetchUntil is until when a device is waited for because it was fetching when
// it was last asked: its edge says so again with each answer.
func (d *delivery) fetchUntil(deadline time.Time) time.Time {
	return earlier(d.fetchedAt.Add(2*reask), deadline.Add(fetchFor))
}

// rideUntil is until when a device is waited for whose edge waits for it.
func (d *delivery) rideUntil(since time.Time) time.Time {
	if d.urgency() != routing.UrgencyLow {
		return time.Time{}
	}
	return earlier(d.ridesUntil, since.Add(rideFor))
}

// endRide ends the wait for the device's next frame where something comes that
// does not wait for it. The device hears of everything only now, and has the
// patience of that to acknowledge it.
func (d *delivery) endRide(since, now time.Time) {
	u := d.urgency()
	if u == routing.UrgencyLow || !now.Before(earlier(d.ridesUntil, since.Add(rideFor))) {
		return
	}
	d.ridesUntil, d.graceUntil = time.Time{}, now.Add(u.Patience())
}

// urgency is the greatest of what the device has not acknowledged.
func (d *delivery) urgency() routing.Urgency {
	_, u, _ := d.flow.past.after(d.acked)
	return max(u, d.flow.hintUrgency).Or(routing.UrgencyNormal)
}

// missed deals with a session that let the patience pass.
func (p *Dispatcher) missed(d *delivery, dev table.Device, deadline, now time.Time) {
	if !dev.Doubtful {
		p.table.SetDoubtful(dev.Session, true)
		p.counts.Doubtful++
	}
	p.reachSlow(d, dev, now)
	if now.Sub(deadline) > giveBack && p.mute(d, dev, giveBack, now) {
		p.giveBack(d.flow, p.out.Nak)
	}
}

// hurry settles what has no time left: the push role waits for the device in
// the router's place. An edge that answers nothing must not keep the place.
func (p *Dispatcher) hurry(d *delivery, dev table.Device, now time.Time) {
	p.reachSlow(d, dev, now)
	if p.mute(d, dev, 2*reask, now) {
		p.giveBack(d.flow, p.out.Defer)
	}
}

// mute reports whether a device that no push can be stored for is not even
// known to its edge after all the asking.
func (p *Dispatcher) mute(d *delivery, dev table.Device, after time.Duration, now time.Time) bool {
	return d.answered < d.flow.head && now.Sub(d.askSince) > after && d.open() && d.storing == 0 && !p.canStore(d, dev)
}

// canStore reports whether a push job is, or will be, what settles d.
func (p *Dispatcher) canStore(d *delivery, dev table.Device) bool {
	h, _ := d.flow.newestPush(max(d.acked, d.stored))
	return dev.HasToken && h != nil
}

// reachSlow pushes a device whose session does not acknowledge. Without a
// push the notify stays with its session, once the edge says that it is
// there.
func (p *Dispatcher) reachSlow(d *delivery, dev table.Device, now time.Time) {
	if dev.HasToken {
		p.store(d, now)
	}
	if d.answered >= d.flow.head {
		d.letGo(dev.HasToken)
	}
}

// reachAway pushes a device without a session. Without a token its next
// Hello finds the head.
func (p *Dispatcher) reachAway(d *delivery, dev table.Device, now time.Time) {
	if d.away < d.flow.head {
		d.away = d.flow.head
		p.counts.Away++
		p.out.Away(d.id(), d.flow.kind, d.flow.head)
	}
	if dev.HasToken {
		p.store(d, now)
	}
	d.letGo(dev.HasToken)
}

// letGo settles what no push is to be made for.
func (d *delivery) letGo(hasToken bool) {
	d.released[0] = d.flow.head
	if !hasToken {
		d.released[1] = d.flow.head
	}
}

// store has the newest job stored that the device needs. One at a time, so
// that an older one never replaces a newer one.
func (p *Dispatcher) store(d *delivery, now time.Time) {
	h, urgency := d.flow.newestPush(max(d.acked, d.stored))
	if h == nil || d.storing != 0 || now.Before(d.storeAt) {
		return
	}
	d.storing = h.Version
	since, patience := d.patience()
	j := Job{
		Device: d.id(), Kind: d.flow.kind, Version: h.Version,
		EventAt: since, LatestAt: h.At, Urgency: urgency, Content: h.Content,
	}
	if d.failures == 0 && d.asked.Exists() {
		j.Deadline = d.ended(since, since.Add(patience), now)
	}
	p.counts.Stores++
	p.out.Store(j)
}

// ended is when the time of a device that was asked was over, or the zero time
// where it is not.
func (d *delivery) ended(since, deadline, now time.Time) time.Time {
	for _, t := range []time.Time{d.graceUntil, d.waitUntil, d.fetchUntil(deadline), d.rideUntil(since)} {
		if t.After(deadline) {
			deadline = t
		}
	}
	if now.Before(deadline) {
		return time.Time{}
	}
	return deadline
}

// Stored tells that a job was stored, or why not.
func (p *Dispatcher) Stored(j Job, err error, now time.Time) {
	if err != nil {
		p.counts.StoreErrors++
	}
	f := p.find(j.Device.UserID, j.Kind)
	if f == nil {
		if err == nil && !j.NotBefore.IsZero() {
			p.uninsureLate(j)
		}
		return
	}
	d := f.device(j.Device.Device)
	if d == nil {
		return
	}
	mine := d.storing == j.Version
	if mine {
		d.storing = 0
	}
	switch {
	case err == nil && !j.NotBefore.IsZero():
		d.insured = max(d.insured, j.Version)
		p.uninsure(d) // it may have acknowledged meanwhile
	case err == nil:
		d.stored = max(d.stored, j.Version)
		d.failures, d.storeAt = 0, now.Add(storeEvery)
		f.storeAt = d.storeAt
	case mine:
		d.storeAt = now.Add(min(storeRetry<<min(d.failures, 5), storeRetryMax))
		d.failures++
	}
	p.drive(d, now)
	p.collect(f, now)
}

// next returns when to look at the delivery again, or the zero time.
func (d *delivery) next(s table.Session, deadline, now time.Time) time.Time {
	reminds := !d.remindUntil.IsZero()
	if !d.open() && !reminds && !d.flow.hinted() {
		return time.Time{}
	}
	var at time.Time
	sooner := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if s.Exists() {
		sooner(d.askAgain(deadline))
		sooner(deadline)
		sooner(d.graceUntil)
		sooner(d.fetchUntil(deadline))
		sooner(d.ridesUntil)
		if !d.insureSince.IsZero() {
			sooner(d.insureSince.Add(insureFor))
		}
		if d.askedVersion < d.flow.head {
			sooner(d.burstAt.Add(burstEvery))
		}
	} else {
		sooner(d.waitUntil)
	}
	if d.storing == 0 {
		sooner(d.storeAt)
	}
	if reminds {
		sooner(d.remindUntil)
	}
	if d.flow.hinted() {
		sooner(d.flow.hintUntil)
	}
	return at
}
