package router

import (
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// ErrTokenOver: the backend ended the tokens that were issued so early.
var ErrTokenOver = errors.New("the token was issued before the backend removed the device or revoked its tokens: ask the backend for a new one")

// cutoffs is what backends ended, as the bucket tells. It has the users that
// were removed or disconnected of late, so mostly nobody.
type cutoffs struct {
	mu sync.RWMutex
	// Guarded by mu. The device is empty for the whole user.
	users map[table.UserID]map[string]*linkpb.Cutoff
}

func newCutoffs() *cutoffs { return &cutoffs{users: make(map[table.UserID]map[string]*linkpb.Cutoff)} }

// of returns what is over for a device, nil for nothing.
func (c *cutoffs) of(id table.DeviceID) *linkpb.Cutoff {
	c.mu.RLock()
	defer c.mu.RUnlock()
	user := c.users[id.UserID]
	switch {
	case user == nil:
		return nil
	case user[id.Device] == nil:
		return user[""]
	case user[""] == nil:
		return user[id.Device]
	}
	return devices.Later(user[""], user[id.Device])
}

// set takes in what the bucket tells; nil: it is no longer kept.
func (c *cutoffs) set(id table.DeviceID, cut *linkpb.Cutoff) {
	c.mu.Lock()
	defer c.mu.Unlock()
	user := c.users[id.UserID]
	if cut == nil {
		delete(user, id.Device)
		if len(user) == 0 {
			delete(c.users, id.UserID)
		}
		return
	}
	if user == nil {
		user = make(map[string]*linkpb.Cutoff)
		c.users[id.UserID] = user
	}
	user[id.Device] = cut
}

// TokenOver returns ErrTokenOver for a device's token that a backend ended.
// issued is the token's iat, zero where it has none.
func (r *Router) TokenOver(tenant, user, device string, issued time.Time) error {
	return tokenOver(r.cutoffs.of(table.ID(tenant, user, device)), issued)
}

func tokenOver(c *linkpb.Cutoff, issued time.Time) error {
	if issued.Unix() < c.GetTokensS() {
		return ErrTokenOver
	}
	return nil
}

// cutoffUpdate reads what the watch of the bucket tells of a cutoff.
func (r *Router) cutoffUpdate(e jetstream.KeyValueEntry) (recordUpdate, bool) {
	tenant, user, device, err := routing.ParseCutoffKey(e.Key())
	if err != nil {
		r.metrics.malformed.WithLabelValues(malformedRecord).Inc()
		return recordUpdate{}, false
	}
	u := recordUpdate{device: table.ID(tenant, user, device), isCutoff: true}
	if e.Operation() == jetstream.KeyValuePut {
		if u.cutoff, err = devices.ParseCutoff(e.Value()); err != nil {
			r.metrics.malformed.WithLabelValues(malformedRecord).Inc()
			return recordUpdate{}, false
		}
	}
	r.cutoffs.set(u.device, u.cutoff)
	if device == "" {
		r.reader.Forget(inbox.User{Tenant: tenant, User: user}) // who may be removed
	}
	return u, true
}
