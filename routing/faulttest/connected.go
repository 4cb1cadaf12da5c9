package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
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
}

func newPhone(d *device, transport string) *phone {
	return &phone{device: d, transport: transport, versions: map[string]int64{}}
}

// run keeps the phone connected until ctx ends. The SDK never has a reason to
// give up.
func (p *phone) run(ctx context.Context) {
	for {
		err := p.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		p.fleet.book.trouble("the SDK of the %s device of %s gave up: %v", p.name, p.user, err)
		if !pause(ctx, time.Second) {
			return
		}
	}
}

func (p *phone) runOnce(ctx context.Context) error {
	c, err := client.New(client.Config{
		Transport: p.transport, Dial: p.dial,
		Token:    func(context.Context) (string, error) { return p.jwt, nil },
		Platform: p.platform(), App: p.app(), PushToken: p.book.token,
		Store: p, OnEvent: p.hear, OnState: p.setState,
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

// hurry is the user, who does not wait for the back-off of a phone that lost
// its connection time and again: here edges die more often in a minute than
// in a year elsewhere.
func (p *phone) hurry(ctx context.Context, c *client.Client) {
	for pause(ctx, time.Second+rand.N(time.Second)) {
		if !p.isWaiting() {
			continue
		}
		if err := c.SetNetwork(client.Network{}); err != nil {
			p.fleet.book.trouble("the SDK of %s takes no network: %v", p.user, err)
		}
	}
}

// waitConnected waits for the first connection.
func (p *phone) waitConnected(ctx context.Context) error {
	return devmode.Until(ctx, func() error {
		if !p.isConnected() {
			return fmt.Errorf("the %s device of %s did not connect", p.name, p.user)
		}
		return nil
	})
}

// hear is the application.
func (p *phone) hear(_ context.Context, e client.Event) error {
	now := time.Now()
	var items []arrival
	for _, item := range e.Items {
		items = append(items, arrival{kind: e.Kind, version: item.Version, id: string(item.Data), at: now})
	}
	p.book.record(handedTo, items...)
	if e.ResetToHead {
		p.fleet.book.trouble("the phone of %s was told that %s went back to version %d", p.user, e.Kind, e.Version)
	}
	if e.SnapshotNeeded {
		p.book.record(snapshotsOf, arrival{kind: e.Kind, version: snapshotUpTo(e), at: now})
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

func (p *phone) setState(s client.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = s.Phase
}

func (p *phone) isWaiting() bool   { return p.phaseIs(client.PhaseWaiting) }
func (p *phone) isConnected() bool { return p.phaseIs(client.PhaseConnected) }

func (p *phone) phaseIs(phase client.Phase) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.phase == phase
}
