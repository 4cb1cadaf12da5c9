package config

import (
	"slices"
	"time"
)

// Router is the section of the role router.
type Router struct {
	// API is the door of the backends over HTTP.
	API API `yaml:"api"`
	// DedupWindow is how long an event's id is remembered: a repeat within
	// it gets the first answer. Longer windows cost NATS memory. 0: 2m.
	DedupWindow time.Duration `yaml:"dedup_window"`
	// AckWait is after which time NATS hands an event to another router
	// when the first one fell silent; 3s to 30s. 0: 4s.
	AckWait time.Duration `yaml:"ack_wait"`
	// InboxMaxBytes is the greatest size of the stream of events, in bytes.
	// A full stream refuses new events and forgets none. 0: 8 GiB.
	InboxMaxBytes int64 `yaml:"inbox_max_bytes"`
	// PushMaxBytes is the greatest size of the stream of waiting push jobs,
	// in bytes; a job takes some 300. A full stream forgets none: routers then
	// hold events back until providers take pushes again. 0: 1 GiB.
	PushMaxBytes int64 `yaml:"push_max_bytes"`
	// LostWait is how long the devices of an edge, or of a site, that fell
	// silent are given to come back before they are pushed; an urgent event
	// waits 3 s. 1s to 5m. 0: 20s. Where edge.reconnect_spread is below 18s,
	// that and 2s suffice.
	LostWait time.Duration `yaml:"lost_wait"`
	// LostPushesPerSecond is how fast this router pushes those that stayed
	// away. 1 to 1000000. 0: 2000.
	LostPushesPerSecond int `yaml:"lost_pushes_per_second"`
	// MaxPending bounds the events that this router holds at once, which
	// tenants share; what comes on top is put off. 1000 to 1000000. 0: 100000.
	MaxPending int `yaml:"max_pending"`
	// MaxWaiting is how many events may wait for a router before publishers
	// are held back; at twice as many none is taken. 1000 to 100000000.
	// 0: 200000.
	MaxWaiting int `yaml:"max_waiting"`
	// MaxNetworks is how many networks' heartbeats the fleet remembers, about
	// 500 bytes each in NATS and at each router. It must be the same at
	// all routers. 1000 to 1000000. 0: 65536.
	MaxNetworks int `yaml:"max_networks"`
	// EdgeTenants are the tenants that an edge may serve, by the name of the
	// edge's process, so that whoever takes its credentials reaches no others.
	// It must be the same at all routers. An edge that is not named may serve
	// all.
	EdgeTenants map[string][]string `yaml:"edge_tenants,omitempty"`
	// Services says how services with a URL are called.
	Services HTTPServices `yaml:"services,omitempty"`
}

// HTTPServices is the section router.services.
type HTTPServices struct {
	// CAFile holds the authorities of the services' certificates, in PEM.
	// Empty: the system's.
	CAFile File `yaml:"ca_file,omitempty"`
	// MaxCalls is how many calls of one tenant are under way at once at this
	// router; more are refused. 0: 256.
	MaxCalls int `yaml:"max_calls"`
	// MaxTime is the longest that a call may take, whatever the device's own
	// deadline. 0: 30s.
	MaxTime time.Duration `yaml:"max_time"`
}

// API is where backends publish over HTTP (Connect, gRPC, gRPC-Web).
type API struct {
	// Listen is a TCP address, host:port; port 0 takes a free one. Empty:
	// 127.0.0.1:7480.
	Listen string `yaml:"listen"`
	// TLS is the API's certificate. Without it the API speaks plain HTTP
	// and API keys cross the network readable.
	TLS TLS `yaml:"tls,omitempty"`
}

func (r *Router) setDefaults() {
	orDefault(&r.API.Listen, "127.0.0.1:7480")
	orDefault(&r.DedupWindow, 2*time.Minute)
	orDefault(&r.AckWait, 4*time.Second)
	orDefault(&r.LostWait, 20*time.Second)
	orDefault(&r.LostPushesPerSecond, 2000)
	orDefault(&r.MaxPending, 100_000)
	orDefault(&r.MaxWaiting, 200_000)
	orDefault(&r.MaxNetworks, 1<<16)
	orDefault(&r.Services.MaxCalls, 256)
	orDefault(&r.Services.MaxTime, 30*time.Second)
}

func (r *Router) check(k *checker, tenants []Tenant) {
	k.listen("router.api.listen", r.API.Listen)
	if r.API.TLS != (TLS{}) {
		k.tls("router.api.tls", r.API.TLS)
	}
	k.duration("router.dedup_window", r.DedupWindow, time.Second, 24*time.Hour)
	k.duration("router.ack_wait", r.AckWait, 3*time.Second, 30*time.Second)
	checkMaxBytes(k, "router.inbox_max_bytes", r.InboxMaxBytes)
	checkMaxBytes(k, "router.push_max_bytes", r.PushMaxBytes)
	k.duration("router.lost_wait", r.LostWait, time.Second, 5*time.Minute)
	k.between("router.lost_pushes_per_second", r.LostPushesPerSecond, 1, 1_000_000)
	k.between("router.max_pending", r.MaxPending, 1000, 1_000_000)
	k.between("router.max_waiting", r.MaxWaiting, 1000, 100_000_000)
	k.between("router.max_networks", r.MaxNetworks, 1000, 1_000_000)
	r.checkEdges(k, tenants)
	k.optionalCA("router.services.ca_file", r.Services.CAFile)
	k.between("router.services.max_calls", r.Services.MaxCalls, 1, 10_000)
	k.duration("router.services.max_time", r.Services.MaxTime, minWait, maxWait)
}

// checkEdges finds names that mean nobody: a rule that does not bind whom it
// should is worse than none.
func (r *Router) checkEdges(k *checker, tenants []Tenant) {
	for edge, list := range r.EdgeTenants {
		path := "router.edge_tenants." + edge
		if !idPattern.MatchString(edge) {
			k.addf(path, "is for the edge %s: a name must match [A-Za-z0-9_-]{1,64}", quote(edge))
		}
		if len(list) == 0 {
			k.addf(path, "is empty: the edge could let nobody in; name its tenants, or leave the line out")
		}
		for i, name := range list {
			if !slices.ContainsFunc(tenants, func(t Tenant) bool { return t.Name == name }) {
				k.addf(index(path, i), "%s is not one of tenants", quote(name))
			}
		}
	}
}

func checkMaxBytes(k *checker, path string, n int64) {
	if n < 0 || n > 0 && n < 1<<20 {
		k.addf(path, "is %d: give at least 1048576 bytes, or 0 for the default", n)
	}
}
