package router

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/routing/events"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/online"
	"github.com/hawser-edge/hawser/routing/table"
)

const (
	// changeQueue bounds the changes of presence that wait to be stored. What
	// finds no room stays with the tracker.
	changeQueue   = 1024
	changeWorkers = 8
	// changesPerTick paces what follows an edge's death: 2000 a second.
	changesPerTick = 100
)

// newTracker follows the devices of tenants that want to be told.
func newTracker(r *Router) *online.Tracker {
	return online.New(r.cfg.Name, func(tenant string) time.Duration {
		t, _ := r.cfg.Catalog.Tenant(tenant)
		return t.PresenceEvents
	})
}

// follow passes on what happened to a device's session.
func (l *loop) follow(c table.Change, now time.Time) {
	if !c.Session.Exists() {
		l.online.Ended(c.Device, now)
		return
	}
	edge, incarnation := c.Session.Edge()
	l.online.Began(c.Device, edge, incarnation, c.Session.Epoch, now)
}

// hearRouter notes who else tells changes.
func (l *loop) hearRouter(name string, b *linkpb.RouterBeat, now time.Time) {
	if b.GetLeaving() {
		l.online.Left(name)
		return
	}
	l.online.Router(name, b.GetIncarnation(), b.GetComplete(), now)
}

// tellChanges hands on the changes that this router is to tell.
func (l *loop) tellChanges(now time.Time) {
	l.online.Router(l.r.cfg.Name, l.r.cfg.Incarnation, l.complete, now)
	room := cap(l.r.changes) - len(l.r.changes)
	for _, c := range l.online.Due(now, min(room, changesPerTick)) {
		select {
		case l.r.changes <- c:
		default: // those of a router that died may be more
			l.r.metrics.changes.WithLabelValues(changeDropped).Inc()
		}
	}
	l.r.metrics.unhealed.Add(float64(l.online.Unhealed))
	l.online.Unhealed = 0
}

// storeChanges is one of the workers that tell backends. A change that cannot
// be stored is dropped: a backend asks for presence when it must be sure.
func (r *Router) storeChanges(ctx context.Context) {
	pub := events.New(r.cfg.JS, "/hawser/router/"+r.cfg.Name)
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-r.changes:
			tenant, _ := r.cfg.Catalog.Tenant(c.Device.Tenant)
			err := pub.PresenceChanged(ctx, c.Device.Tenant, events.Presence{
				User: c.Device.User, Device: c.Device.Device, Online: c.Online, Epoch: c.Epoch, At: c.At, Debounce: tenant.PresenceEvents,
			})
			result := changeStored
			if err != nil {
				result = changeDropped
				r.cfg.Log.Warn("the backend was not told of a device that came or went", "tenant", c.Device.Tenant, "error", err)
			}
			r.metrics.changes.WithLabelValues(result).Inc()
		}
	}
}
