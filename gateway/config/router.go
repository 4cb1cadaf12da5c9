package config

import "time"

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
	// A full stream refuses new events and forgets none. 0: as much as the
	// NATS servers give.
	InboxMaxBytes int64 `yaml:"inbox_max_bytes"`
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
}

func (r *Router) check(k *checker) {
	k.listen("router.api.listen", r.API.Listen)
	if r.API.TLS != (TLS{}) {
		k.tls("router.api.tls", r.API.TLS)
	}
	k.duration("router.dedup_window", r.DedupWindow, time.Second, 24*time.Hour)
	k.duration("router.ack_wait", r.AckWait, 3*time.Second, 30*time.Second)
	if r.InboxMaxBytes < 0 || r.InboxMaxBytes > 0 && r.InboxMaxBytes < 1<<20 {
		k.addf("router.inbox_max_bytes", "is %d: give at least 1048576 bytes, or 0 for no limit of its own", r.InboxMaxBytes)
	}
}
