package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tenant is one application's backend.
type Tenant struct {
	// Name is the tenant's name in tokens (claim tid), subjects and
	// metrics: [A-Za-z0-9_-]{1,64}. Required.
	Name string `yaml:"name"`
	// JWKSFiles are the public keys that may sign device tokens of this
	// tenant. The roles edge and router need at least one.
	JWKSFiles []File `yaml:"jwks_files,omitempty"`
	// APIKeyFiles hold the API keys of the tenant, one key a file. Only
	// hashes of them are kept in memory. None: the tenant publishes over
	// NATS only.
	APIKeyFiles []SecretFile `yaml:"api_key_files,omitempty"`
	// MaxEventsPerSecond is what the tenant may publish, in events a second,
	// at each router. 0: 1000.
	MaxEventsPerSecond int `yaml:"max_events_per_second"`
	// PresenceEvents tells the backend of devices that came or went, by
	// events presence.changed, once they stayed for so long: 1s to 10m, 10s
	// is a good choice. Each costs a stored message, and a device online about
	// 300 bytes in each router. 0: none.
	PresenceEvents time.Duration `yaml:"presence_events,omitempty"`
	// MaxDevices is how many devices a user may have, 1 to 1000. A further one
	// ends the session of the one that connected longest ago, with close code
	// 3507, and removes its registration for pushes. 0: no bound.
	MaxDevices int `yaml:"max_devices,omitempty"`
	// MaxDevicesPerClass is how many of them may be phones (ios or android),
	// and how many of all other platforms, 1 to 1000; as MaxDevices. 0: no
	// bound.
	MaxDevicesPerClass int `yaml:"max_devices_per_class,omitempty"`
	// Services are what devices may call, besides sync, and who answers. The
	// names, and both parts of SERVICE.METHOD, have the grammar of Name.
	Services Services `yaml:"services,omitempty"`
	// Idempotent are names as in Services of what changes nothing when it is
	// repeated: edges ask again where nobody answers. sync always is.
	Idempotent []string `yaml:"idempotent,omitempty"`
	// ServiceSecretFiles hold the secrets that calls over HTTP are signed
	// with, one a file. Each call carries a signature of each, so that one
	// secret can be replaced by another. Routers read them; required where a
	// service has a URL.
	ServiceSecretFiles []SecretFile `yaml:"service_secret_files,omitempty"`
	// Kinds are the tenant's streams of news by name, 1 to 64 of them. The
	// names have the grammar of Name.
	Kinds map[string]Kind `yaml:"kinds"`
}

// Kind is how one stream of news behaves.
type Kind struct {
	// NumberedBy says who gives an event its version: hawser or backend.
	// With backend, sync is the backend's own service, over NATS or at the
	// URL of sync.KIND in services. Empty: hawser.
	NumberedBy string `yaml:"numbered_by"`
	// Keep is how many events of a user are kept for sync, 16 to 10000.
	// 0: 16.
	Keep int `yaml:"keep"`
	// Urgency of an event that names none: LOW, NORMAL or HIGH. Empty:
	// NORMAL.
	Urgency string `yaml:"urgency"`
	// Push is what reaches devices that are away.
	Push KindPush `yaml:"push"`
}

// KindPush is what a push shows when the event itself says nothing.
type KindPush struct {
	// Mode is alert (it shows Title and Body), background (it wakes the
	// application and shows nothing) or none (no push unless the event asks
	// for one). Empty: alert where there is a title or a body, otherwise
	// background.
	Mode string `yaml:"mode"`
	// Class is what pushes replace one another within, on the device:
	// [A-Za-z0-9_-]{1,64}. A tenant has at most four. Empty: the kind's name.
	Class string `yaml:"class"`
	// Title of the alert.
	Title string `yaml:"title,omitempty"`
	// Body of the alert.
	Body string `yaml:"body,omitempty"`
	// Sound of the alert, a name the application knows. Empty: silent.
	Sound string `yaml:"sound,omitempty"`
	// TTL is how long the provider tries, at most 672h (28 days). 0: 24h.
	TTL time.Duration `yaml:"ttl"`
	// Window is how often a device is pushed what is of low urgency, 1s to 1h:
	// such pushes wait for the device's next window, all of its kinds for the
	// same moment, so that they wake its radio once. 0: 5m.
	Window time.Duration `yaml:"window"`
	// Strict has a push stored before a connected device is told, to be made
	// should it not acknowledge in time, whatever becomes of the routers: for
	// calls. It costs two more writes a device. With mode none that goes for the
	// events that bring a push of their own.
	Strict bool `yaml:"strict"`
	// Once has the provider try once and store nothing, as for a call: TTL
	// does not count then.
	Once bool `yaml:"once"`
	// Channel is the Android notification channel. Empty: the application's
	// default one.
	Channel string `yaml:"channel,omitempty"`
	// QuietHours are those in which only events of urgency HIGH are pushed; the
	// others are when they end. Left out: none.
	QuietHours QuietHours `yaml:"quiet_hours,omitempty"`
	// AsIs has iOS show alerts without the application's notification service
	// extension.
	AsIs bool `yaml:"as_is"`
}

// The values of Kind.NumberedBy.
const (
	NumberedByHawser  = "hawser"
	NumberedByBackend = "backend"
)

// The values of KindPush.Mode.
const (
	PushAlert      = "alert"
	PushBackground = "background"
	PushNone       = "none"
)

const (
	maxKinds = 64
	maxText  = 1024
	// maxTTL is what FCM allows; APNs allows two days more.
	maxTTL = 28 * 24 * time.Hour
)

func (t *Tenant) setDefaults() {
	orDefault(&t.MaxEventsPerSecond, 1000)
	t.Services.setDefaults()
	for name, kind := range t.Kinds {
		orDefault(&kind.NumberedBy, NumberedByHawser)
		orDefault(&kind.Keep, 16)
		orDefault(&kind.Urgency, "NORMAL")
		kind.Push.setDefaults(name)
		t.Kinds[name] = kind
	}
}

func (p *KindPush) setDefaults(kind string) {
	mode := PushBackground
	if p.Title != "" || p.Body != "" {
		mode = PushAlert
	}
	orDefault(&p.Mode, mode)
	orDefault(&p.Class, kind)
	orDefault(&p.TTL, 24*time.Hour)
	orDefault(&p.Window, 5*time.Minute)
}

func checkTenants(k *checker, c *Config) {
	if len(c.Tenants) == 0 {
		k.addf("tenants", "is required: list at least one tenant with its kinds")
	}
	seen := map[string]int{}
	for i := range c.Tenants {
		t, path := &c.Tenants[i], index("tenants", i)
		t.check(k, path, c)
		if first, dup := seen[t.Name]; dup {
			k.addf(path+".name", "%q stands already in tenants[%d]: keep one", t.Name, first)
		} else {
			seen[t.Name] = i
		}
	}
}

func (t *Tenant) check(k *checker, path string, c *Config) {
	k.id(path+".name", t.Name)
	if c.Has(RoleEdge) || c.Has(RoleRouter) {
		if len(t.JWKSFiles) == 0 {
			k.addf(path+".jwks_files", "is required by the roles edge and router: name a file of public keys, hawser token --new-key makes one")
		}
		for i, f := range t.JWKSFiles {
			k.file(index(path+".jwks_files", i), string(f))
		}
	}
	if c.Has(RoleRouter) {
		for i, f := range t.APIKeyFiles {
			k.key(index(path+".api_key_files", i), f, 16)
		}
	}
	k.between(path+".max_devices", t.MaxDevices, 0, 1000)
	k.between(path+".max_devices_per_class", t.MaxDevicesPerClass, 0, 1000)
	if t.PresenceEvents != 0 && (t.PresenceEvents < time.Second || t.PresenceEvents > 10*time.Minute) {
		k.addf(path+".presence_events", "is %v: it must be 1s to 10m, or 0 for none", t.PresenceEvents)
	}
	k.between(path+".max_events_per_second", t.MaxEventsPerSecond, 1, 10_000_000)
	t.checkServices(k, path, c.Has(RoleRouter))
	t.checkKinds(k, path+".kinds")
}

func (t *Tenant) checkKinds(k *checker, path string) {
	if len(t.Kinds) == 0 || len(t.Kinds) > maxKinds {
		k.addf(path, "has %d kinds: give 1 to %d", len(t.Kinds), maxKinds)
	}
	for name, kind := range t.Kinds {
		p := path + "." + name
		k.id(p, name)
		k.oneOf(p+".numbered_by", kind.NumberedBy, NumberedByHawser, NumberedByBackend)
		k.between(p+".keep", kind.Keep, 16, 10_000)
		k.oneOf(p+".urgency", kind.Urgency, "LOW", "NORMAL", "HIGH")
		kind.Push.check(k, p+".push", name)
	}
	t.checkClasses(k, path)
}

// maxClasses is how many collapse keys Firebase keeps of a device; with one
// more it does not say which four it keeps.
const maxClasses = 4

func (t *Tenant) checkClasses(k *checker, path string) {
	var classes []string
	for _, kind := range t.Kinds {
		if c := kind.Push.Class; !slices.Contains(classes, c) {
			classes = append(classes, c)
		}
	}
	if len(classes) > maxClasses {
		slices.Sort(classes)
		k.addf(path, "have %d push classes (%s): Firebase keeps at most %d collapse keys a device, so give kinds whose pushes may replace one another one push.class",
			len(classes), strings.Join(classes, ", "), maxClasses)
	}
}

func (p *KindPush) check(k *checker, path, kind string) {
	k.oneOf(path+".mode", p.Mode, PushAlert, PushBackground, PushNone)
	if p.Mode == PushAlert && p.Title == "" && p.Body == "" {
		k.addf(path+".mode", "alert shows something: give a title or a body, or choose background")
	}
	if p.Class != kind {
		k.id(path+".class", p.Class)
	}
	for _, f := range []struct{ name, value string }{{"title", p.Title}, {"body", p.Body}, {"sound", p.Sound}, {"channel", p.Channel}} {
		if len(f.value) > maxText {
			k.addf(path+"."+f.name, "has %d bytes: at most %d fit into a push", len(f.value), maxText)
		}
	}
	k.duration(path+".window", p.Window, time.Second, time.Hour)
	p.QuietHours.check(k, path+".quiet_hours")
	k.duration(path+".ttl", p.TTL, time.Second, maxTTL)
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
