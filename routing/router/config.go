// Package router is the router role: it takes events from the inbox log and
// sees to it that each of the user's devices hears of them, through the edge
// that holds its connection or through a push job.
//
// One goroutine, the loop, owns everything that changes: the table of devices
// and sessions (routing/table) and the settlement of events
// (routing/dispatch). Whatever arrives reaches it through bounded queues. A
// session batch that finds its queue full is lost and healed by a dump, an
// answer by the next ask; events are never dropped: what a tenant has no room
// for is left to the log for some seconds.
package router

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/inbox"
)

// Defaults of Config.
const (
	defaultAckWait    = 4 * time.Second
	defaultMaxPending = 100_000
	defaultListen     = 2500 * time.Millisecond
)

// Config of a Router.
type Config struct {
	// Name of the router, unique among the routers of its NATS account.
	Name string
	// Site is where the router stands; edges ask those of their own site
	// first.
	Site string
	// Incarnation is the process's start in unix milliseconds. 0: now.
	Incarnation int64
	// Conn and JS belong to the caller, who closes them after Run returned.
	// The connection should reconnect forever (nats.MaxReconnects(-1)).
	Conn *nats.Conn
	JS   jetstream.JetStream
	// Catalog names the tenants and kinds. An event of an unknown kind is left
	// to other routers for a minute, and then treated as one of a kind without
	// push.
	Catalog *routing.Catalog
	// EdgeTenants are the tenants that an edge may serve, by the edge's name:
	// sessions of others are not taken, and heads of others not told. An edge
	// that is not named may serve all.
	EdgeTenants map[string][]string
	// Verifier checks the devices' tokens that come with requests to store or
	// remove a record. Nil: edges are believed, for tests.
	Verifier Verifier
	// Inbox reads heads; nil: the router makes a reader of its own.
	Inbox *inbox.Reader
	// AckWait is the acknowledgement wait of the consumer ROUTERS, as given
	// to routing.EnsureStreams. 0: 4 s.
	AckWait time.Duration
	// MaxPending bounds the events held at once, which tenants share: see
	// Crowded. 0: 100,000.
	MaxPending int
	// Shared tells how many more events the consumer hands out to all routers
	// together before it waits for acknowledgements; known is false where that
	// is not known for now. Nil: it never is.
	Shared func() (room int, known bool)
	// PushLow tells that what room the push queue has is to be left to jobs that
	// wait already. It must not block. Nil: it never is.
	PushLow func() bool
	// LostWait is how long the devices of an edge that fell silent are given
	// to come back before they are pushed, but for urgent events. 0: 20 s.
	// LostRate is how many of them are pushed a second afterwards. 0: 2,000.
	LostWait time.Duration
	LostRate int
	// AwayFor is how long the log must have been away to be read once more from
	// shortly before, for what its servers lost; twice that where the router's own
	// server ran on. 0: 10 s.
	AwayFor time.Duration
	// Listen is how long the router listens for edges before it believes to
	// know all of them. It must be more than two beats. 0: 2.5 s.
	Listen time.Duration
	// Log must not be nil.
	Log *slog.Logger
	// Registerer takes the metrics; nil: they are not exported.
	Registerer prometheus.Registerer
	// Hooks are for tests.
	Hooks Hooks
}

// Verifier checks a device's JWT.
type Verifier interface {
	// Verify also returns when the token was issued; zero: it does not say.
	Verify(token string) (tenant, user, device string, issued time.Time, err error)
}

// Hooks let tests stop the router at chosen places.
type Hooks struct {
	// BetweenLookupAndPush is called, on the router's loop, for each device
	// that was found away: after the look into the table and before its push
	// job is stored or, without a token, the device is settled. While it
	// blocks, nothing that arrives is seen.
	BetweenLookupAndPush func(Away)
	// BeforeStore is called on a goroutine of its own before a push job is
	// stored. While it blocks, the loop goes on.
	BeforeStore func(Away)
}

// Away names a device that was found without a live session, and the version
// it is to hear of.
type Away struct {
	Tenant, User, Device, Kind string
	Version                    int64
}

var errConfig = errors.New("router configuration")

func (c Config) withDefaults() (Config, error) {
	if err := wire.CheckID("router name", c.Name); err != nil {
		return c, fmt.Errorf("%w: %w", errConfig, err)
	}
	if c.Conn == nil || c.JS == nil || c.Catalog == nil || c.Log == nil {
		return c, fmt.Errorf("%w: Conn, JS, Catalog and Log must be set", errConfig)
	}
	if c.Incarnation == 0 {
		c.Incarnation = time.Now().UnixMilli()
	}
	setDefault(&c.AckWait, defaultAckWait)
	setDefault(&c.Listen, defaultListen)
	setDefault(&c.AwayFor, awayFor)
	if c.MaxPending == 0 {
		c.MaxPending = defaultMaxPending
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	return c, nil
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}
