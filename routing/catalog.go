package routing

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// Push modes of a kind: what an event does that brings no push content.
const (
	// PushAlert shows the kind's default title and body.
	PushAlert = "alert"
	// PushBackground wakes the application without showing anything.
	PushBackground = "background"
	// PushNone sends no push.
	PushNone = "none"
)

// MinKeep is the least number of messages that are kept of a user's kind.
const MinKeep = 16

// MaxKinds is the greatest number of kinds of a tenant: a device's Ping and
// Hello name all of them.
const MaxKinds = 64

// Kind is a sync stream of a user, as the tenant configured it.
type Kind struct {
	Name string
	// Backend: the tenant's backend numbers the events and answers sync.
	// Otherwise hawser does both.
	Backend bool
	// Keep is how many messages of a user's kind are kept, at least; 0 means
	// MinKeep. The log keeps the greatest Keep of all kinds.
	Keep int
	// Urgency of events that do not say; unset means NORMAL.
	Urgency Urgency
	Push    PushDefaults
}

// PushDefaults are what a push of a kind shows where the event does not say.
type PushDefaults struct {
	// Class groups kinds whose pushes replace one another; empty: the kind.
	Class string
	Title string
	Body  string
	Sound string
	// TTL is how long the provider tries; 0: the push role's default.
	TTL time.Duration
	// Window is how often a device is pushed what is of low urgency; 0: at any
	// time.
	Window time.Duration
	// Strict: the push is stored before a device is told, as for calls.
	Strict bool
	// Once: the provider tries once and stores nothing.
	Once bool
	// Channel is the Android notification channel; empty: the application's
	// default one.
	Channel string
	// QuietFrom and QuietTo, since midnight in QuietZone (nil: UTC), are the hours
	// in which only what is urgent is pushed. The same: there are none.
	QuietFrom, QuietTo time.Duration
	QuietZone          *time.Location
	// AsIs: iOS shows alerts without the application's notification service
	// extension.
	AsIs bool
	// Mode is PushAlert, PushBackground or PushNone; empty: PushAlert where
	// there is a title or body, else PushBackground.
	Mode string
}

// KeyHash is the SHA-256 of a tenant's API key.
type KeyHash [sha256.Size]byte

// HashKey returns the hash under which a key is configured.
func HashKey(key string) KeyHash { return sha256.Sum256([]byte(key)) }

// Tenant is one application's backend.
type Tenant struct {
	Name    string
	APIKeys []KeyHash
	// Kinds by their names.
	Kinds map[string]Kind
	// Services that devices may call upstream, beside "sync": a service with
	// all its methods, or one method as "service.method".
	Services []string
	// HTTP are the URLs of those that routers call over HTTP, by the name in
	// Services, or by "sync.<kind>" for a kind that the backend numbers. The
	// others are answered by the backend over NATS.
	HTTP map[string]string
	// Idempotent are names as in Services: what may be called again when
	// nobody answers. sync always is.
	Idempotent []string
	// PresenceEvents is for how long a device must have come or gone before
	// the backend is told by an event presence.changed; 0: it is not told.
	PresenceEvents time.Duration
	// MaxDevices is how many devices a user may have, registered or connected;
	// 0: no bound. MaxDevicesPerClass is how many of them may be of the
	// platforms ios and android, and how many of all others. Where there are
	// more, those of the newest sessions stay.
	MaxDevices         int
	MaxDevicesPerClass int
	// MaxEventsPerSecond bounds publishing; 0: no bound. Up to one second's
	// worth may come at once.
	MaxEventsPerSecond float64
}

// Catalog is all tenants and their kinds. It does not change; a new
// configuration makes a new one.
type Catalog struct {
	// Static after construction.
	tenants map[string]*Tenant
	kinds   map[string][]string
	names   []string
}

// NewCatalog checks the tenants and fills in defaults. Errors name the
// tenant and the field.
func NewCatalog(tenants []Tenant) (*Catalog, error) {
	c := &Catalog{tenants: map[string]*Tenant{}, kinds: map[string][]string{}}
	owners := map[KeyHash]string{}
	for _, t := range tenants {
		if _, ok := c.tenants[t.Name]; ok {
			return nil, fmt.Errorf("tenant %q is given twice", t.Name)
		}
		checked, err := checkTenant(t)
		if err != nil {
			return nil, err
		}
		for _, k := range t.APIKeys {
			if other, ok := owners[k]; ok {
				return nil, fmt.Errorf("tenants %q and %q have an API key in common: a key must name one tenant", other, t.Name)
			}
			owners[k] = t.Name
		}
		c.tenants[t.Name] = checked
		c.kinds[t.Name] = slices.Sorted(maps.Keys(checked.Kinds))
	}
	c.names = slices.Sorted(maps.Keys(c.tenants))
	return c, nil
}

func checkTenant(t Tenant) (*Tenant, error) {
	if err := wire.CheckID("tenant", t.Name); err != nil {
		return nil, err
	}
	if len(t.Kinds) == 0 || len(t.Kinds) > MaxKinds {
		return nil, fmt.Errorf("tenant %q has %d kinds: it must have 1 to %d", t.Name, len(t.Kinds), MaxKinds)
	}
	if t.MaxEventsPerSecond < 0 {
		return nil, fmt.Errorf("tenant %q: max events per second must not be negative", t.Name)
	}
	if err := t.checkServices(); err != nil {
		return nil, fmt.Errorf("tenant %q: %w", t.Name, err)
	}
	kinds := make(map[string]Kind, len(t.Kinds))
	for name, k := range t.Kinds {
		k.Name = name
		k, err := checkKind(k)
		if err != nil {
			return nil, fmt.Errorf("tenant %q: %w", t.Name, err)
		}
		kinds[name] = k
	}
	t.Kinds = kinds
	t.APIKeys, t.Services = slices.Clone(t.APIKeys), slices.Clone(t.Services)
	t.HTTP, t.Idempotent = maps.Clone(t.HTTP), slices.Clone(t.Idempotent)
	return &t, nil
}

func checkKind(k Kind) (Kind, error) {
	if err := wire.CheckID("kind", k.Name); err != nil {
		return k, err
	}
	if k.Keep == 0 {
		k.Keep = MinKeep
	}
	if k.Keep < MinKeep {
		return k, fmt.Errorf("kind %q keeps %d messages: the least is %d", k.Name, k.Keep, MinKeep)
	}
	k.Urgency = k.Urgency.Or(UrgencyNormal)
	if !k.Urgency.Valid() {
		return k, fmt.Errorf("kind %q: urgency %d is not LOW, NORMAL or HIGH", k.Name, int(k.Urgency))
	}
	switch k.Push.Mode {
	case PushAlert, PushBackground, PushNone:
	case "":
		k.Push.Mode = PushBackground
		if k.Push.Title != "" || k.Push.Body != "" {
			k.Push.Mode = PushAlert
		}
	default:
		return k, fmt.Errorf("kind %q: push mode %.20q must be alert, background or none", k.Name, k.Push.Mode)
	}
	return k, nil
}

// Tenants returns the tenants' names, sorted. The caller must not change it.
func (c *Catalog) Tenants() []string { return c.names }

// Tenant returns a tenant. The caller must not change what it refers to.
func (c *Catalog) Tenant(name string) (Tenant, bool) {
	t, ok := c.tenants[name]
	if !ok {
		return Tenant{}, false
	}
	return *t, true
}

// Kind returns a kind of a tenant.
func (c *Catalog) Kind(tenant, kind string) (Kind, bool) {
	t, ok := c.tenants[tenant]
	if !ok {
		return Kind{}, false
	}
	k, ok := t.Kinds[kind]
	return k, ok
}

// Kinds returns a tenant's kinds, sorted; nil for an unknown tenant. The
// caller must not change it.
func (c *Catalog) Kinds(tenant string) []string { return c.kinds[tenant] }

// MaxKeep is the greatest Keep of all kinds, at least MinKeep.
func (c *Catalog) MaxKeep() int {
	keep := MinKeep
	for _, t := range c.tenants {
		for _, k := range t.Kinds {
			keep = max(keep, k.Keep)
		}
	}
	return keep
}

// TenantByKey returns the tenant of an API key. Every configured key is
// compared, in constant time, so that the time taken tells nothing.
func (c *Catalog) TenantByKey(key string) (string, bool) {
	h := HashKey(key)
	var found string
	for _, name := range c.names {
		for _, k := range c.tenants[name].APIKeys {
			if subtle.ConstantTimeCompare(h[:], k[:]) == 1 {
				found = name
			}
		}
	}
	return found, found != ""
}
