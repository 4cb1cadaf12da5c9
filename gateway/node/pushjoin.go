package node

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/presence"
)

// checks asks the routers on behalf of the push worker.
type checks struct{ client *presence.Client }

func (c checks) Check(ctx context.Context, t push.Target) (push.PresenceState, error) {
	state, err := c.client.Check(ctx, presence.Question(t))
	return presenceState(state), err
}

func presenceState(s presence.State) push.PresenceState {
	switch s {
	case presence.Away:
		return push.Away
	case presence.Doubtful:
		return push.Doubtful
	case presence.Covered:
		return push.Covered
	case presence.InFlight:
		return push.InFlight
	case presence.Fetching:
		return push.Fetching
	default:
		return push.Unknown
	}
}

// records reads and cleans the device records.
type records struct {
	// Static before the worker runs.
	store *devices.Store
}

func (r *records) Record(ctx context.Context, tenant, user, device string) (push.Record, error) {
	rec, err := r.store.Record(ctx, tenant, user, device)
	return push.Record{
		Platform: rec.Platform, App: rec.App, Token: rec.Token,
		RegisteredAt: rec.RegisteredAt, RejectedAt: rec.RejectedAt, Revision: rec.Revision, Found: rec.Found,
	}, err
}

func (r *records) MarkRejected(ctx context.Context, tenant, user, device string, revision uint64, since time.Time) (bool, error) {
	return r.store.MarkRejected(ctx, tenant, user, device, revision, since)
}

func (r *records) DropToken(ctx context.Context, tenant, user, device string, revision uint64) (bool, error) {
	return r.store.DropToken(ctx, tenant, user, device, revision)
}

// heads reads the newest event from the log.
type heads struct{ reader *inbox.Reader }

func (h heads) Head(ctx context.Context, tenant, user, kind string) (int64, []byte, error) {
	e, ok, err := h.reader.Last(ctx, tenant, user, kind)
	if err != nil || !ok {
		return 0, nil, err
	}
	return e.Version, e.Push, nil
}
