package node_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// An edge that is stopped in order hands its devices over in the midst of
// news: each hears all of them, none is pushed, and hardly one is late.
func TestStoppedEdgeHandsOver(t *testing.T) {
	t.Parallel()
	const devices, every = 100, time.Millisecond
	f := newFleet(t, options{
		nodes: []devmode.Node{
			{Name: whole, Roles: []string{"edge", "router", "push"}},
			{Name: secondEdge, Roles: []string{"edge"}},
		},
		vars: []string{"HAWSER_EDGE_DRAIN_SPREAD=2s"},
	})
	f.start(whole)
	stop := f.start(secondEdge)
	f.waitReady(whole)
	f.waitReady(secondEdge)
	var stopping atomic.Bool
	dial := func(ctx context.Context, _ transport.Kind, _ string) (transport.Conn, error) {
		// As behind a name whose addresses change when an edge drains.
		edge := secondEdge
		if stopping.Load() {
			edge = whole
		}
		return transport.DialTCP(ctx, f.edgeAddr(edge), f.tls)
	}
	var phones []*phone
	for i := range devices {
		user := fmt.Sprint("willa", i)
		p := f.connect(user, "phone", phoneOptions{dial: dial, transport: "tcp", pushToken: devmode.DeviceToken(user, "phone")})
		p.hears("before")
		phones = append(phones, p)
	}
	f.waitRecords(devices)

	stopping.Store(true)
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	var late, events int
	for running, after := true, 0; after < devices; {
		p := phones[events%devices]
		v := f.publish(tenantA, event(p.user, "messages", fmt.Sprint("while it stops ", events))).Version
		events++
		began := time.Now()
		p.waitHeard("messages", v)
		if time.Since(began) > time.Second {
			late++
		}
		select {
		case <-stopped:
			running = false
		case <-time.After(every):
		}
		if !running {
			after++
		}
	}
	for _, p := range phones {
		if n := len(f.pushes(devmode.DeviceToken(p.user, "phone"))); n != 0 {
			t.Errorf("%s was pushed %d times", p.user, n)
		}
		if n := p.connections(); n != 2 {
			t.Errorf("%s was connected %d times, want twice", p.user, n)
		}
	}
	t.Logf("%d events while %d devices moved, %d heard after more than a second", events, devices, late)
}
