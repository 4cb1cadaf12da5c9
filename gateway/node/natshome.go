package node

import (
	"context"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// homeEvery is how often a connection that belongs to one server looks
	// whether it can come back there, at first: it waits for twice as long after
	// each return that failed, up to maxHomeEvery.
	homeEvery    = 3 * time.Second
	maxHomeEvery = time.Minute
	// homeWait bounds the look whether that server accepts connections.
	homeWait = time.Second
)

// A homing connection belongs to one NATS server. It goes to another one while
// that is away, and comes back: connections that stand for several servers
// would otherwise end up at the same one.
type homing struct {
	// Static after construction, but for nc, which follow sets.
	nc   *nats.Conn
	home string // host:port

	// returning is set while the next server to be tried is the own one.
	returning atomic.Bool
}

func newHoming(server string) *homing { return &homing{home: hostOf(server)} }

// hostOf is the host:port of a server as it is configured.
func hostOf(server string) string {
	if !strings.Contains(server, "://") {
		server = "nats://" + server
	}
	u, err := url.Parse(strings.TrimSpace(server))
	if err != nil {
		return "" // the client has refused it
	}
	if u.Port() == "" {
		// As the client does.
		port, ok := map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
		if !ok {
			port = "4222"
		}
		return net.JoinHostPort(u.Hostname(), port)
	}
	return u.Host
}

// choose is the client's handler for where to go next; nil: as it likes.
func (h *homing) choose(servers []nats.Server, _ nats.ServerInfo) (*nats.Server, time.Duration) {
	if !h.returning.CompareAndSwap(true, false) {
		return nil, 0
	}
	for i := range servers {
		if servers[i].URL != nil && servers[i].URL.Host == h.home {
			return &servers[i], 0
		}
	}
	return nil, 0
}

// run comes back, time and again, until ctx ends.
func (h *homing) run(ctx context.Context, every time.Duration) {
	timer := time.NewTimer(every)
	defer timer.Stop()
	for wait := every; ; timer.Reset(wait) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		switch {
		case !h.nc.IsConnected():
		case hostOf(h.nc.ConnectedUrl()) == h.home:
			wait = every
		case h.open(ctx):
			h.returning.Store(true)
			_ = h.nc.ForceReconnect() // fails only where the connection is closed
			wait = min(2*wait, maxHomeEvery)
		}
	}
}

// open reports whether the own server accepts connections.
func (h *homing) open(ctx context.Context) bool {
	dialer := net.Dialer{Timeout: homeWait}
	c, err := dialer.DialContext(ctx, "tcp", h.home)
	if err != nil {
		return false
	}
	_ = c.Close() // it was opened for nothing else
	return true
}
