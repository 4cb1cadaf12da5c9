package router

import (
	"hash/fnv"
	"time"

	"github.com/hawser-edge/hawser/routing/dispatch"
	"github.com/hawser-edge/hawser/routing/pushqueue"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// A push wakes a phone's radio for seconds, whatever it says. Those of low
// urgency wait for the device's next window, one moment for all of its kinds
// that have the same length of window, so that the radio wakes once for them.
// The windows of different devices are spread.

// holdUntil is until when a job waits, and why; it does not where the time is zero.
func (r *Router) holdUntil(j dispatch.Job, now time.Time) (until time.Time, hold int) {
	if !j.NotBefore.IsZero() {
		return j.NotBefore, pushqueue.HoldWindow
	}
	if j.Urgency != routing.UrgencyLow {
		return time.Time{}, pushqueue.HoldNone
	}
	kind, _ := r.cfg.Catalog.Kind(j.Device.Tenant, j.Kind)
	if kind.Push.Window <= 0 {
		return time.Time{}, pushqueue.HoldNone
	}
	return nextWindow(j.Device, kind.Push.Window, now), pushqueue.HoldWindow
}

// nextWindow is the device's next window after now. It is the same at every
// router.
func nextWindow(id table.DeviceID, length time.Duration, now time.Time) time.Time {
	h := fnv.New64a()
	for _, name := range []string{id.Tenant, id.User, id.Device} {
		_, _ = h.Write([]byte(name + "\x00")) // cannot fail
	}
	at := now.Truncate(length).Add(time.Duration(h.Sum64() % uint64(length)))
	if !at.After(now) {
		at = at.Add(length)
	}
	return at
}
