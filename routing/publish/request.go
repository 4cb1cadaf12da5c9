package publish

import (
	"crypto/rand"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
)

// MaxItem is the greatest item, in bytes.
const MaxItem = 32 << 10

// MaxID is the greatest length of an idempotency key, in bytes.
const MaxID = 128

// Request is an event to publish.
type Request struct {
	User, Kind string
	// Item is what devices fetch; may be empty, at most MaxItem bytes.
	Item []byte
	// ID is the idempotency key: 1 to MaxID printable ASCII characters
	// without spaces. Empty: the event can not be repeated safely.
	ID string
	// Version: where the backend numbers the kind, and 0 elsewhere.
	Version int64
	// Urgency; unset: the kind's.
	Urgency routing.Urgency
	// Push content; nil: the kind's.
	Push *hawserv1.Push
}

// Result of a published event.
type Result struct {
	Version int64
	// Duplicate: an earlier call had stored it.
	Duplicate bool
}

// check returns the event to store, without a version.
func (s *Service) check(tenant string, req Request) (routing.Event, routing.Kind, *Error) {
	var none routing.Event
	for _, id := range [...][2]string{{"tenant", tenant}, {"user", req.User}, {"kind", req.Kind}} {
		if err := wire.CheckID(id[0], id[1]); err != nil {
			return none, routing.Kind{}, invalid("%s", err)
		}
	}
	kind, ok := s.cfg.Catalog.Kind(tenant, req.Kind)
	if !ok {
		return none, kind, invalid("kind %q is not configured for tenant %s: its kinds are %v", req.Kind, tenant, s.cfg.Catalog.Kinds(tenant))
	}
	if len(req.Item) > MaxItem {
		return none, kind, invalid("the item has %d bytes, at most %d are taken: publish a reference to it instead", len(req.Item), MaxItem)
	}
	if req.Urgency != routing.UrgencyUnset && !req.Urgency.Valid() {
		return none, kind, invalid("urgency %d must be LOW, NORMAL or HIGH", int(req.Urgency))
	}
	if err := checkID(req.ID); err != nil {
		return none, kind, err
	}
	if err := checkNumbering(kind, req.Version); err != nil {
		return none, kind, err
	}
	push, err := encodePush(kind, req.Push)
	if err != nil {
		return none, kind, err
	}
	e := routing.Event{Tenant: tenant, User: req.User, Kind: req.Kind, ID: req.ID,
		Backend: kind.Backend, Version: req.Version, Urgency: req.Urgency, Push: push, Item: req.Item}
	if e.ID == "" {
		// Our own retries must not store it twice. A backend's id can not be
		// this one: it has a space.
		e.ID = "~ " + rand.Text()
	}
	return e, kind, nil
}

func checkID(id string) *Error {
	if len(id) > MaxID {
		return invalid("the id has %d bytes, at most %d are taken", len(id), MaxID)
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return invalid("the id must be printable ASCII without spaces; byte %d is not", i)
		}
	}
	return nil
}

func checkNumbering(k routing.Kind, v int64) *Error {
	if !k.Backend {
		if v != 0 {
			return invalid("hawser numbers kind %s: leave version out, or configure numbered_by: backend", k.Name)
		}
		return nil
	}
	if v == 0 {
		return invalid("the backend numbers kind %s: version is required", k.Name)
	}
	if err := wire.CheckVersion(v); err != nil {
		return invalid("%s", err)
	}
	return nil
}
