package router

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

const (
	// limitQueue bounds the users whose records wait to be held to their
	// tenant's limits. What finds it full is dropped and counted: the user's
	// next connection looks again.
	limitQueue   = 1024
	limitWorkers = 4
	// limitPatience bounds the attempts at one user's records while the store
	// is slow or away.
	limitPatience = 20 * time.Second
)

// held is a device of a user: one with a session, or a record alone.
type held struct {
	name, platform string
	epoch          int64
	session        table.Session
}

// limits holds the users of tenants that limit their devices to that. Every
// router hears of every session and comes to the same end, whatever the
// order: those of the newest sessions stay. Owned by the loop.
type limits struct {
	users map[table.UserID][]held
}

// limitTask is a user whose records are to be held to the limits.
type limitTask struct {
	user table.UserID
	live []held
}

// platformOf is a platform's name for keeping: not what an edge says, which may
// be cut from a large message.
func platformOf(said string) string {
	for _, known := range [...]string{"ios", "android"} {
		if said == known {
			return known
		}
	}
	return "other"
}

func limited(t routing.Tenant) bool { return t.MaxDevices > 0 || t.MaxDevicesPerClass > 0 }

// limit takes in what happened to a device's session, and ends what is too
// much by it.
func (l *loop) limit(c table.Change, now time.Time) {
	tenant, _ := l.r.cfg.Catalog.Tenant(c.Device.Tenant)
	if !limited(tenant) {
		return
	}
	id := c.Device.Clone()
	live := slices.DeleteFunc(l.limits.users[id.UserID], func(h held) bool {
		return h.name == id.Device && (c.New || !c.Session.Exists()) || !l.table.Live(h.session)
	})
	if c.New {
		live = append(live, held{id.Device, platformOf(c.Platform), c.Session.Epoch, c.Session})
	}
	if len(live) == 0 {
		delete(l.limits.users, id.UserID)
		return
	}
	l.limits.users[id.UserID] = live
	if !c.New {
		return
	}
	for _, h := range surplus(tenant, live) {
		l.ends.add(h.session, &linkpb.End{Surplus: true}, true)
		edge, _ := h.session.Edge()
		l.echo[edge] = true
	}
	l.limitRecords(id, live, now)
}

// limitRecord takes in that a device has a record now: its session was looked
// at before there was one. Who is connected counts by that: a record tells
// when its push token was stored, which may be long ago.
func (l *loop) limitRecord(u recordUpdate, now time.Time) {
	tenant, _ := l.r.cfg.Catalog.Tenant(u.device.Tenant)
	if u.hasToken && limited(tenant) {
		l.limitRecords(u.device, l.limits.users[u.device.UserID], now)
	}
}

// limitRecords has one router of all look at the records, or two while they do
// not know of each other. If it dies now, the user's next connection is looked
// at.
func (l *loop) limitRecords(id table.DeviceID, live []held, now time.Time) {
	if !l.complete || !l.online.First(id, now) {
		return
	}
	select {
	case l.r.limits <- limitTask{id.UserID, slices.Clone(live)}:
	default:
		l.r.metrics.dropped.WithLabelValues(dropLimit).Inc()
	}
}

// surplus returns the devices that are more than the tenant allows a user, in
// the order of their sessions.
func surplus(t routing.Tenant, all []held) []held {
	order := slices.Clone(all)
	slices.SortFunc(order, func(a, b held) int {
		return cmp.Or(cmp.Compare(b.epoch, a.epoch), cmp.Compare(b.name, a.name))
	})
	var over []held
	stay, phones, others := 0, 0, 0
	for _, h := range order {
		class := &others
		if h.platform == "ios" || h.platform == "android" {
			class = &phones
		}
		if t.MaxDevices > 0 && stay >= t.MaxDevices || t.MaxDevicesPerClass > 0 && *class >= t.MaxDevicesPerClass {
			over = append(over, h)
			continue
		}
		stay++
		*class++
	}
	return over
}

// limitStored holds stored records to the limits, one user after the other.
func (r *Router) limitStored(ctx context.Context) {
	s := &deviceServer{r: r}
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-r.limits:
			bounded, cancel := context.WithTimeout(ctx, limitPatience)
			err := s.limit(bounded, t)
			cancel()
			if err != nil && ctx.Err() == nil {
				r.metrics.dropped.WithLabelValues(dropLimit).Inc()
				r.cfg.Log.Warn("a user's records were not held to the limit of devices", "tenant", t.user.Tenant, "user", t.user.User, "error", err)
			}
		}
	}
}

// limit holds a user's records to the limits, if need be in several attempts,
// until ctx ends.
func (s *deviceServer) limit(ctx context.Context, t limitTask) error {
	for {
		err := s.limitOnce(ctx, t)
		if err == nil || !sleep.For(ctx, retryPause) {
			return err
		}
		s.r.metrics.retries.WithLabelValues(retryLimit).Inc()
	}
}

func (s *deviceServer) limitOnce(ctx context.Context, t limitTask) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	store, err := s.open(ctx)
	if err != nil {
		return err
	}
	return s.r.limitUser(ctx, store, t)
}

// limitUser removes the records of the devices that are too many.
func (r *Router) limitUser(ctx context.Context, store *devices.Store, task limitTask) error {
	tenant, _ := r.cfg.Catalog.Tenant(task.user.Tenant)
	if !limited(tenant) {
		return nil
	}
	records, err := store.Records(ctx, task.user.Tenant, task.user.User)
	if err != nil {
		return err
	}
	all := slices.Clone(task.live)
	for name, rec := range records {
		if !slices.ContainsFunc(task.live, func(h held) bool { return h.name == name }) {
			all = append(all, held{name: name, platform: rec.Platform, epoch: rec.Epoch})
		}
	}
	for _, h := range surplus(tenant, all) {
		id := devices.ID{Tenant: task.user.Tenant, User: task.user.User, Device: h.name}
		if _, ok := records[h.name]; !ok {
			continue
		}
		if err := store.RemoveUpTo(ctx, id, h.epoch); err != nil {
			return err
		}
	}
	return nil
}
