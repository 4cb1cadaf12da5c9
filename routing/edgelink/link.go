package edgelink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// Config of a link.
type Config struct {
	// Edge is the edge's name, as in its NATS user.
	Edge string
	// Site is where the edge stands.
	Site string
	// Incarnation is the edge process's start in unix milliseconds: greater
	// than that of every earlier process of this name.
	Incarnation int64
	// Conn was made with routing.ConnectOptions. The link does not close it.
	Conn    *nats.Conn
	Handler Handler
	// Now is the host's wall clock. Nil: time.Now. What lasts is measured
	// without it.
	Now func() time.Time
	// Log; nil: none.
	Log *slog.Logger
	// Registerer for the metrics; nil: none.
	Registerer prometheus.Registerer
	// Timing; zero fields get the defaults.
	Timing Timing
	// DropBatch, where not nil, is asked for each batch that tells of
	// sessions. If it returns true these are never told of, nor counted, nor
	// dumped. For tests that sabotage the link; called with the link's lock
	// held.
	DropBatch func() bool
}

// Link is an edge's link to the routers. Its methods may be called from any
// number of goroutines, before, during and after Run.
type Link struct {
	// Static after construction.
	cfg     Config
	log     *slog.Logger
	metrics *metrics

	// Signals, each of one place: a signal that is already there is enough.
	// Never closed.
	announceC, verifyC, askC, dumpC chan struct{}
	company                         *time.Timer // runs from the first answer that waits; see answerAll

	degraded atomic.Bool

	mu sync.Mutex
	// Guarded by mu. It is held for short steps only: who goes over all
	// sessions pauses, see table.pause.
	table    table
	presence presence
	verifier verifier
	parkedBy string
	// ownTwin has this edge's name, routerTwin that of some router.
	ownTwin, routerTwin twin
	outage              outage

	// Have locks of their own.
	clock   *clock
	answers *answerQueue
	dumps   dumpQueue
}

// New checks the configuration. The link does nothing before Run.
func New(cfg Config) (*Link, error) {
	if err := wire.CheckID("edge", cfg.Edge); err != nil {
		return nil, err
	}
	switch {
	case cfg.Incarnation <= 0:
		return nil, errors.New("edge link: the incarnation must be the process's start in unix milliseconds")
	case cfg.Conn == nil || cfg.Handler == nil:
		return nil, errors.New("edge link: a NATS connection and a handler are needed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Registerer == nil {
		cfg.Registerer = prometheus.NewRegistry()
	}
	cfg.Timing = cfg.Timing.withDefaults()
	l := &Link{
		cfg: cfg, log: cfg.Log, metrics: newMetrics(cfg.Registerer), clock: newClock(cfg.Now),
		announceC: make(chan struct{}, 1), verifyC: make(chan struct{}, 1),
		askC: make(chan struct{}, headsRequests), dumpC: make(chan struct{}, 1),
		company: time.NewTimer(answerWait),
		table:   newTable(), presence: newPresence(cfg.Timing.Present),
		verifier: verifier{timing: cfg.Timing},
		answers:  newAnswerQueue(), dumps: dumpQueue{waiting: map[string]dumpRequest{}},
	}
	l.table.pause = func() {
		l.mu.Unlock()
		runtime.Gosched()
		l.mu.Lock()
	}
	l.degraded.Store(true)
	l.gauges(cfg.Registerer)
	return l, nil
}

// Run works until ctx ends; it then tells routers of the sessions that ended
// by then and returns nil. It fails only where NATS refuses subscriptions.
// The Handler may still get what had arrived when ctx ended.
func (l *Link) Run(ctx context.Context) error {
	status := l.cfg.Conn.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	defer l.cfg.Conn.RemoveStatusListener(status)
	l.mu.Lock()
	l.verifier.settled = time.Now().Add(l.cfg.Timing.Settle)
	l.mu.Unlock()
	subs, err := l.subscribe()
	if err != nil {
		return fmt.Errorf("edge link: %w", err)
	}
	defer unsubscribe(subs)

	var wg sync.WaitGroup
	wg.Go(func() { l.announceAll(ctx, status, subs) })
	wg.Go(func() { l.verifyAll(ctx) })
	for range headsRequests {
		wg.Go(func() { l.askAll(ctx) })
	}
	wg.Go(func() { l.answerAll(ctx) })
	wg.Go(func() { l.dumpAll(ctx) })
	wg.Wait()
	return nil
}

// Register adds a live session, or changes its Background; nothing else of a
// session may change. It never blocks. A session with an invalid name is
// dropped and logged: it would spoil the requests that it shares with others.
func (l *Link) Register(s Session) {
	if !wire.ValidID(s.Tenant) || !wire.ValidID(s.User) || !wire.ValidID(s.Device) {
		l.metrics.dropped.WithLabelValues(dropSession).Inc()
		l.log.Error("session with an invalid tenant, user or device is not told to routers", "conn", s.Conn)
		return
	}
	l.mu.Lock()
	l.table.register(s)
	l.mu.Unlock()
	signal(l.announceC)
}

// Unregister removes a session that ended. It never blocks; an unknown
// number is ignored.
func (l *Link) Unregister(conn uint64) {
	l.mu.Lock()
	l.table.unregister(conn)
	l.mu.Unlock()
	signal(l.announceC)
}

// Degraded reports that NATS is away, or that no complete router was heard
// of for Timing.Present: devices can not hear of events now.
func (l *Link) Degraded() bool { return l.degraded.Load() }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
