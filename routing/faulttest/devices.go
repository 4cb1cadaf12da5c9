package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// A device is what the three parts have in common.
type device struct {
	// Static after construction.
	user   string
	name   string
	number int // of the user
	jwt    string
	book   *deviceLedger
	fleet  *fleet
}

// userName is the name of a user by number.
func userName(number int) string { return fmt.Sprintf("u%04d", number) }

// newBooks makes the ledgers of all devices, three a user.
func newBooks(users int) []*deviceLedger {
	var books []*deviceLedger
	for i := range users {
		for _, p := range []part{connected, away, silent} {
			b := &deviceLedger{user: userName(i), part: p}
			// Half of the connected devices have no push token: nothing but
			// their connection reaches them.
			if p != connected || i%2 == 0 {
				b.token = devmode.DeviceToken(b.user, string(p))
			}
			books = append(books, b)
		}
	}
	return books
}

// newDevice stands behind a ledger.
func newDevice(f *fleet, number int, b *deviceLedger) (*device, error) {
	d := &device{user: b.user, name: string(b.part), number: number, book: b, fleet: f}
	var err error
	if d.jwt, err = f.env.Token(tenant, d.user, d.name); err != nil {
		return nil, fmt.Errorf("make a token for the %s device of %s: %w", d.name, d.user, err)
	}
	return d, nil
}

// platform spreads the users over both providers.
func (d *device) platform() client.Platform {
	if d.number%4 < 2 {
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
// is not there.
func (d *device) dial(ctx context.Context, kind transport.Kind) (transport.Conn, error) {
	edges := []string{edge1, edge2}
	first := rand.N(2)
	conn, err := d.dialEdge(ctx, kind, edges[first])
	if err == nil || ctx.Err() != nil {
		return conn, err
	}
	return d.dialEdge(ctx, kind, edges[1-first])
}

func (d *device) dialEdge(ctx context.Context, kind transport.Kind, edge string) (transport.Conn, error) {
	addr := d.fleet.nodes[edge].Listen
	if kind == transport.QUIC {
		return transport.DialQUIC(ctx, addr, d.fleet.tls)
	}
	return transport.DialTCP(ctx, addr, d.fleet.tls)
}
