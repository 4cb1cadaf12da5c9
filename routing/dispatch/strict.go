package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

// A strict kind, such as calls, must be pushed in time whatever becomes of this
// router. Its push job is stored before a device is told, to be made when the
// device's patience is over, and removed when the device acknowledges.

// insureFor is how long a device is not told for want of its job: while the
// queue cannot store, the log still has the event, and gives it to another
// router should this one die. A call that does not ring helps nobody.
const insureFor = time.Second

// insure sees to it that the job of a strict event is stored before a connected
// device is told, and reports whether to wait for that. A device that is about
// to be pushed needs none.
func (p *Dispatcher) insure(d *delivery, dev table.Device, deadline, now time.Time) (wait bool) {
	h, urgency := d.flow.newestPush(max(d.acked, d.stored, d.insured))
	if h == nil || !h.Strict || !dev.HasToken || dev.Doubtful || dev.Background || d.flow.hurried() || !now.Before(deadline) {
		d.insureSince = time.Time{}
		return false
	}
	if d.insureSince.IsZero() {
		d.insureSince = now
	}
	if d.storing == 0 && !now.Before(d.storeAt) {
		d.storing = h.Version
		since, _ := d.patience()
		p.counts.Stores++
		p.out.Store(Job{
			Device: d.id(), Kind: d.flow.kind, Version: h.Version, NotBefore: deadline,
			EventAt: since, LatestAt: h.At, Urgency: urgency, Content: h.Content,
		})
	}
	return now.Sub(d.insureSince) < insureFor
}

// uninsure has the job removed of a device that acknowledged.
func (p *Dispatcher) uninsure(d *delivery) {
	if d.insured > 0 && d.acked >= d.insured {
		p.counts.Unneeded++
		p.out.Remove(d.id(), d.flow.kind, d.insured)
		d.insured = 0
	}
}

// uninsureLate does so for a job that was stored only when its event was settled.
func (p *Dispatcher) uninsureLate(j Job) {
	for _, past := range p.memories() {
		if e := past.get(j.Device.UserID, j.Kind); e != nil && e.head >= j.Version && e.heardBy(j.Device.Device) {
			p.counts.Unneeded++
			p.out.Remove(j.Device, j.Kind, j.Version)
			return
		}
	}
}
