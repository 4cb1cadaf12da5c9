package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// kind is what is published.
const kind = "messages"

// welcomeTimeout bounds Hello and Welcome.
const welcomeTimeout = 20 * time.Second

// device is one user's: it acknowledges each notify at once, as one that has
// fetched.
type device struct {
	// Static after construction.
	user   string
	number int
	conn   transport.Conn
	link   *rawdevice.Link
	heard  func(user int, version int64, at time.Time)

	// failed is why the connection ended.
	failed atomic.Pointer[error]
}

func userName(n int) string { return fmt.Sprintf("user-%05d", n) }

// connectDevice brings a device in: at its slot, where the edge has no room
// before.
func connectDevice(ctx context.Context, f *fleet, n int) (*device, error) {
	var slot []byte
	for {
		d, err := greetEdge(ctx, f, n, slot)
		var told *rawdevice.ClosedError
		if !errors.As(err, &told) || told.Wait <= 0 {
			return d, err
		}
		slot = told.Slot
		select {
		case <-time.After(told.Wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// greetEdge dials the edge and says Hello.
func greetEdge(ctx context.Context, f *fleet, n int, slot []byte) (*device, error) {
	d := &device{user: userName(n), number: n}
	ctx, cancel := context.WithTimeout(ctx, welcomeTimeout)
	defer cancel()
	jwt, err := f.env.Token(tenant, d.user, "phone")
	if err != nil {
		return nil, err
	}
	if d.conn, err = transport.DialTCP(ctx, f.edge.Listen, f.tls); err != nil {
		return nil, err
	}
	d.link, _, err = rawdevice.Greet(d.conn, &wirepb.Hello{Token: jwt, Platform: wirepb.Platform_PLATFORM_OTHER, Slot: slot}, welcomeTimeout)
	if err != nil {
		d.close()
		return nil, fmt.Errorf("say Hello as %s: %w", d.user, err)
	}
	return d, nil
}

// listen acknowledges what it hears until the connection ends.
func (d *device) listen() {
	for {
		f, err := d.link.Next(time.Time{})
		if n, ok := f.(*wire.Notify); ok && err == nil {
			err = d.take(n, time.Now())
		}
		if err != nil {
			d.failed.Store(&err)
			return
		}
	}
}

func (d *device) take(n *wire.Notify, now time.Time) error {
	name, err := d.link.Kinds().Name(n.Kind)
	if err != nil {
		return err
	}
	if name == kind {
		d.heard(d.number, n.Version, now)
	}
	return d.link.Send(&wire.Ack{Kind: n.Kind, Version: n.Version})
}

func (d *device) close() {
	// The connection is of no more use, whatever the error says.
	_ = d.conn.CloseWithCode(0, "")
}
