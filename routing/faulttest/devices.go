package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// A device is what all of them have in common.
type device struct {
	// Static after construction.
	*deviceLedger
	number int
	jwt    string
	fleet  *fleet
}

// newDevice stands behind a ledger.
func newDevice(f *fleet, number int, b *deviceLedger) (*device, error) {
	d := &device{deviceLedger: b, number: number, fleet: f}
	var err error
	if d.jwt, err = f.env.Token(b.tenant, b.user, b.name); err != nil {
		return nil, fmt.Errorf("make a token for %s: %w", d, err)
	}
	return d, nil
}

func (d *device) String() string {
	return fmt.Sprintf("the %s device %s of %s", d.part, d.name, d.owner)
}

// platform spreads the devices over both providers.
func (d *device) platform() client.Platform {
	if d.number%2 == 0 {
		return client.PlatformIOS
	}
	return client.PlatformAndroid
}

func (d *device) app() string {
	if d.platform() == client.PlatformIOS {
		return devmode.IOSApp
	}
	return devmode.AndroidApp
}

// dial connects to either edge, and to the other one where the first choice
// is not there. It returns the name of the one that answered.
func (d *device) dial(ctx context.Context, kind transport.Kind) (transport.Conn, string, error) {
	edges := membersOf(sortEdge)
	first := rand.N(len(edges))
	for i := range edges {
		edge := edges[(first+i)%len(edges)]
		conn, err := d.dialEdge(ctx, kind, edge)
		if err == nil || ctx.Err() != nil || i == len(edges)-1 {
			return conn, edge, err
		}
	}
	panic("a fleet without edges")
}

func (d *device) dialEdge(ctx context.Context, kind transport.Kind, edge string) (transport.Conn, error) {
	addr := d.fleet.nodes[edge].Listen
	if kind == transport.QUIC {
		return transport.DialQUIC(ctx, addr, d.fleet.tls)
	}
	return transport.DialTCP(ctx, addr, d.fleet.tls)
}
