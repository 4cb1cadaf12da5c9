package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/transport"
)

const (
	// islandLook is how often the edge looks whether it is cut off.
	islandLook = time.Second
	// islandProbe is how often the other sites are asked, once that matters,
	// and islandAnswer how long one may take.
	islandProbe  = 5 * time.Second
	islandAnswer = 2 * time.Second
)

// An island is an edge that is cut off: NATS is away, or no complete router is
// heard of. Devices stay connected at first, since most such times are short.
// One that lasts ends with their move, if another site is better off; where
// none is, leaving would be worse than waiting.
type island struct {
	// Static after construction.
	cfg      config.Island
	log      *slog.Logger
	cutOff   func() bool
	probe    func(ctx context.Context, addr string) error
	evacuate func(ctx context.Context, spread time.Duration) (asked int)
	sentAway prometheus.Counter

	// Read by the metrics.
	since   atomic.Pointer[time.Time] // nil: not cut off
	betters atomic.Int64              // sites that were better off when asked last

	// Owned by run.
	limit    time.Duration // of this time, with its random part
	probedAt time.Time
	said     bool
	leaving  context.CancelFunc // nil: devices are not asked to leave
	moved    chan int           // what evacuate returned; never closed
}

// newIsland returns the island of an edge. cutOff and evacuate are the link's
// and the sessions'.
func newIsland(p parts, cutOff func() bool, evacuate func(context.Context, time.Duration) int) (*island, error) {
	cfg := p.cfg.Edge.Island
	clientTLS := &tls.Config{}
	if cfg.CAFile != "" {
		pool, err := certPool(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("edge.island.ca_file: %w", err)
		}
		clientTLS.RootCAs = pool
	}
	i := &island{
		cfg: cfg, log: p.log, cutOff: cutOff, evacuate: evacuate, moved: make(chan int, 1),
		probe: func(ctx context.Context, addr string) error { return transport.Probe(ctx, addr, clientTLS) },
	}
	m := metric.For(p.registry, "island")
	i.sentAway = m.Counter("sent_away_total", "Devices that were asked to move because this edge was cut off.")
	m.GaugeFunc("seconds", "For how long NATS has been away, or no complete router was heard of; 0: it is not so.", i.lasts)
	m.GaugeFunc("better_sites", "Other sites that were better off when they were asked last.", func() float64 { return float64(i.betters.Load()) })
	return i, nil
}

func (i *island) lasts() float64 {
	if since := i.since.Load(); since != nil {
		return time.Since(*since).Seconds()
	}
	return 0
}

// run works until ctx ends.
func (i *island) run(ctx context.Context) error {
	look := time.NewTicker(islandLook)
	defer look.Stop()
	defer i.stay()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			i.step(ctx, time.Now())
		}
	}
}

func (i *island) step(ctx context.Context, now time.Time) {
	if !i.cutOff() {
		i.over(now)
		return
	}
	since := i.since.Load()
	if since == nil {
		since = &now
		i.since.Store(since)
		// Edges that were cut off together do not leave together.
		i.limit = i.cfg.Max*3/4 + rand.N(i.cfg.Max/2+1)
	}
	if now.Sub(*since) < i.limit || len(i.cfg.OtherSites) == 0 {
		return
	}
	if now.Sub(i.probedAt) >= islandProbe {
		i.probedAt = now
		i.betters.Store(i.ask(ctx))
	}
	switch better := i.betters.Load() > 0; {
	case better && i.leaving == nil:
		i.leave(ctx, now.Sub(*since))
	case !better && i.leaving != nil:
		i.log.Warn("no other site is better off any more: the devices that are left stay", "sent_away", i.stay())
	case !better && !i.said:
		i.said = true
		i.log.Warn("this edge is cut off for long, and no other site is better off: devices stay", "sites", i.cfg.OtherSites)
	}
}

// over ends the time of being cut off.
func (i *island) over(now time.Time) {
	since := i.since.Swap(nil)
	i.betters.Store(0)
	if since == nil {
		return
	}
	if i.leaving != nil {
		i.log.Info("this edge is not cut off any more: the devices that are left stay",
			"lasted_s", now.Sub(*since).Seconds(), "sent_away", i.stay())
	}
	i.said, i.probedAt = false, time.Time{}
}

// leave begins to ask devices to move.
func (i *island) leave(ctx context.Context, lasted time.Duration) {
	i.log.Warn("this edge is cut off for long, and another site is better off: devices are sent there, new ones are refused",
		"lasted_s", lasted.Seconds(), "spread_s", i.cfg.Spread.Seconds())
	ctx, i.leaving = context.WithCancel(ctx)
	go func() { i.moved <- i.evacuate(ctx, i.cfg.Spread) }()
}

// stay ends what leave began, and returns how many devices were asked.
func (i *island) stay() (asked int) {
	if i.leaving == nil {
		return 0
	}
	i.leaving()
	i.leaving = nil
	asked = <-i.moved
	i.sentAway.Add(float64(asked))
	return asked
}

// ask returns how many of the other sites are better off.
func (i *island) ask(ctx context.Context) int64 {
	ctx, cancel := context.WithTimeout(ctx, islandAnswer)
	defer cancel()
	var better atomic.Int64
	var all sync.WaitGroup
	for _, addr := range i.cfg.OtherSites {
		all.Go(func() {
			err := i.probe(ctx, addr)
			if err == nil {
				better.Add(1)
				return
			}
			i.log.Debug("another site is no better off", "addr", addr, "says_so", errors.Is(err, transport.ErrDown), "error", err)
		})
	}
	all.Wait()
	return better.Load()
}
