package cells

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/reminder"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// KeeperConfig of a Keeper.
type KeeperConfig struct {
	// Router is the router's name.
	Router string
	// Conn and JS belong to the caller, who closes them after Run returned.
	Conn *nats.Conn
	JS   jetstream.JetStream
	// Streams are the options that the bucket is made with.
	Streams routing.StreamOptions
	// Sessions is how many sessions an edge has, as far as routers know: by
	// that it is judged what it can have seen. It must not block. Nil: a
	// million.
	Sessions func(edge string) int
	// Sure is false while this router's clock is not to be relied on: then it
	// answers nobody. Nil: it always is.
	Sure func() bool
	// Networks is how many the bucket holds. 0: DefaultNetworks.
	Networks int
	// Now is the wall clock. Nil: time.Now.
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Keeper is a router's part of sharing: it adds what edges learned to the
// bucket, and tells them what became of it. Several may run at once.
type Keeper struct {
	// Static after construction.
	cfg      KeeperConfig
	log      *slog.Logger
	metrics  *keeperMetrics
	accounts *accounts

	requests chan *nats.Msg    // never closed
	said     reminder.Reminder // of the log's line where the bucket cannot be followed
	// store is nil until the bucket was read for the first time.
	store atomic.Pointer[store]
}

// NewKeeper checks the configuration; Run does the work.
func NewKeeper(cfg KeeperConfig) (*Keeper, error) {
	if err := wire.CheckID("router", cfg.Router); err != nil {
		return nil, err
	}
	if cfg.Conn == nil || cfg.JS == nil {
		return nil, errors.New("cells: a connection to NATS and JetStream are needed")
	}
	if cfg.Sessions == nil {
		cfg.Sessions = func(string) int { return 1_000_000 }
	}
	if cfg.Sure == nil {
		cfg.Sure = func() bool { return true }
	}
	if cfg.Networks == 0 {
		cfg.Networks = DefaultNetworks
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{cfg: cfg, log: cfg.Log, accounts: newAccounts(cfg.Sessions), requests: make(chan *nats.Msg, requestQueue)}
	k.metrics = newKeeperMetrics(cfg.Registerer, k)
	return k, nil
}

// Run works until ctx ends, and returns nil then. While NATS or the bucket is
// away it waits. It fails only where NATS refuses subscriptions.
func (k *Keeper) Run(ctx context.Context) error {
	group, err := k.cfg.Conn.ChanQueueSubscribe(routing.CellsAll, routing.QueueRouters, k.requests)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", routing.CellsAll, err)
	}
	defer func() { _ = group.Unsubscribe() }() // fails only where the connection is closed
	own := routing.AtRouter(k.cfg.Router, routing.CellsAll)
	alone, err := k.cfg.Conn.ChanSubscribe(own, k.requests)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", own, err)
	}
	defer func() { _ = alone.Unsubscribe() }()
	var wg sync.WaitGroup
	wg.Go(func() { k.follow(ctx) })
	for range requestWorkers {
		wg.Go(func() { k.serveAll(ctx) })
	}
	wg.Wait()
	return nil
}

// Ready reports whether the bucket was read: only then edges are answered.
func (k *Keeper) Ready() bool { return k.store.Load() != nil }

func (k *Keeper) serveAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-k.requests:
			k.serve(ctx, m)
		}
	}
}

// serve answers one request. What no edge sends is not answered.
func (k *Keeper) serve(ctx context.Context, m *nats.Msg) {
	edge, err := routing.Sender(m.Subject)
	if err != nil || !routing.SafeReply(m.Reply) {
		k.metrics.requests.WithLabelValues(requestMalformed).Inc()
		return
	}
	if !k.accounts.request(edge, k.cfg.Now()) {
		k.metrics.requests.WithLabelValues(requestTooMany).Inc()
		return
	}
	req, err := parseRequest(m.Data)
	if err != nil {
		k.metrics.requests.WithLabelValues(requestMalformed).Inc()
		k.respond(m, &linkpb.CellsResponse{Error: err.Error()})
		return
	}
	s := k.store.Load()
	if s == nil || !k.cfg.Sure() {
		k.metrics.requests.WithLabelValues(requestUnready).Inc()
		k.respond(m, &linkpb.CellsResponse{Error: "this router has not read the bucket yet, or its clock is wrong"})
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	b := batch{edge, edgeHash(edge), req.GetIncarnation(), req.GetBatch()}
	resp := &linkpb.CellsResponse{Fates: k.mergeAll(ctx, s, b, req.GetDeltas())}
	s.mirror.page(resp, req.GetGeneration(), req.GetRevision())
	k.metrics.requests.WithLabelValues(requestAnswered).Inc()
	k.metrics.told.Add(float64(len(resp.GetCells())))
	k.respond(m, resp)
}

var errRequest = errors.New("not a request of an edge about networks")

func parseRequest(data []byte) (*linkpb.CellsRequest, error) {
	if len(data) > maxRequest {
		return nil, fmt.Errorf("%w: %d bytes", errRequest, len(data))
	}
	var req linkpb.CellsRequest
	if err := proto.Unmarshal(data, &req); err != nil {
		return nil, fmt.Errorf("%w: %w", errRequest, err)
	}
	if n := len(req.GetDeltas()); n > batchCells || n > 0 && (req.GetBatch() == 0 || req.GetIncarnation() <= 0) {
		return nil, fmt.Errorf("%w: %d deltas in batch %d of %d", errRequest, n, req.GetBatch(), req.GetIncarnation())
	}
	return &req, nil
}

func (k *Keeper) respond(m *nats.Msg, resp *linkpb.CellsResponse) {
	data, err := proto.Marshal(resp)
	if err == nil {
		err = m.Respond(data)
	}
	if err != nil {
		k.log.Debug("an edge was not answered about networks", "error", err)
	}
}
