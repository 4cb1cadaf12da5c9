package dispatch

import "time"

const (
	// storeRetry is the first pause after a push job could not be stored; it
	// doubles up to storeRetryMax.
	storeRetry    = 250 * time.Millisecond
	storeRetryMax = 4 * time.Second
)

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
