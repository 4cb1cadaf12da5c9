package main

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// A phone is a device with the SDK and an application on it: it fetches and
// acknowledges everything.
type phone struct {
	*device
	transport string

	mu sync.Mutex
	// Guarded by mu.
	versions map[string]int64
	phase    client.Phase
	dialed   string // the edge that answered last
	at       string // the edge that it is connected to; empty: none
}

func newPhone(d *device, quic bool) *phone {
	p := &phone{device: d, transport: client.TCP, versions: map[string]int64{}}
	if quic {
		p.transport, d.quic = client.QUIC, true
	}
	return p
}

// run keeps the phone connected until ctx ends. The SDK never has a reason to
// give up.
func (p *phone) run(ctx context.Context) {
	for {
		err := p.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		p.fleet.book.trouble("the SDK of %s gave up: %v", p.device, err)
		if !sleep.For(ctx, time.Second) {
			return
		}
	}
}

func (p *phone) runOnce(ctx context.Context) error {
	c, err := client.New(client.Config{
		Transport: p.transport, Dial: p.dial,
		Token:    func(context.Context) (string, error) { return p.jwt, nil },
		Platform: p.platform(), App: p.app(), PushToken: p.token,
		Store: p, OnEvent: p.hear, OnState: p.setState,
		Log: slog.New(slog.NewJSONHandler(p.fleet.phones, nil)).With("phone", p.String()),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var hand sync.WaitGroup
	hand.Go(func() { p.hurry(ctx, c) })
	err = c.Run(ctx)
	cancel()
	hand.Wait()
	return err
}

func (p *phone) dial(ctx context.Context, kind transport.Kind, _ string) (transport.Conn, error) {
	conn, edge, err := p.device.dial(ctx, kind)
	if err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.dialed = edge
	}
	return conn, err
}

// hurry is the user, who does not wait for the back-off of a phone that lost
// its connection time and again: here edges die more often in a minute than
// in a year elsewhere.
func (p *phone) hurry(ctx context.Context, c *client.Client) {
	for sleep.For(ctx, time.Second+rand.N(time.Second)) {
		if !p.isWaiting() {
			continue
		}
		if err := c.SetNetwork(client.Network{}); err != nil {
			p.fleet.book.trouble("the SDK of %s takes no network: %v", p.device, err)
		}
	}
}

// hear is the application.
func (p *phone) hear(_ context.Context, e client.Event) error {
	now := time.Now()
	var items []arrival
	for _, item := range e.Items {
		items = append(items, arrival{kind: e.Kind, version: item.Version, key: string(item.Data), at: now})
	}
	p.record(handedTo, items...)
	if e.ResetToHead {
		p.fleet.book.trouble("%s was told that %s went back to version %d", p.device, e.Kind, e.Version)
	}
	if e.SnapshotNeeded {
		p.record(snapshotsOf, arrival{kind: e.Kind, version: snapshotUpTo(e), at: now})
	}
	return nil
}

// snapshotUpTo is the version below which a snapshot stands for items: those
// of the event itself were handed over.
func snapshotUpTo(e client.Event) int64 {
	if len(e.Items) > 0 {
		return e.Items[0].Version - 1
	}
	return e.Version
}

// Load implements client.Store.
func (p *phone) Load() (map[string]int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.versions), nil
}

// Save implements client.Store.
func (p *phone) Save(kind string, version int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.versions[kind] = version
	return nil
}

// setState follows the SDK. A move to another edge begins with a new
// connection while the old one still serves.
func (p *phone) setState(s client.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = s.Phase
	if p.at != "" {
		p.departed(p.at)
		p.at = ""
	}
	if s.Phase == client.PhaseConnected {
		p.at = p.dialed
		p.arrived(p.at)
	}
}

func (p *phone) isWaiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.phase == client.PhaseWaiting
}
