package events

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Presence is a device that came or went.
type Presence struct {
	User, Device string
	Online       bool
	// Epoch of the session that began or ended.
	Epoch int64
	// At is when it did.
	At time.Time
	// Debounce is how long the change has lasted.
	Debounce time.Duration
}

// PresenceChanged tells that a device came or went. Routers that tell the same
// change mostly give it the same id: the stream then keeps one.
func (p *Publisher) PresenceChanged(ctx context.Context, tenant string, c Presence) error {
	state := "offline"
	if c.Online {
		state = "online"
	}
	// Two routers see a change within less than a debounce, and a device
	// cannot change to and fro within one.
	about := c.At.UnixMilli() / max(c.Debounce.Milliseconds(), 1)
	name := fmt.Sprintf("hawser:presence:%s.%s.%s %s %d %d", tenant, c.User, c.Device, state, c.Epoch, about)
	return p.publish(ctx, tenant, TypePresenceChanged, uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String(), Data{
		User: c.User, Device: c.Device, State: state, Epoch: strconv.FormatInt(c.Epoch, 10), ChangedMs: strconv.FormatInt(c.At.UnixMilli(), 10),
	})
}
