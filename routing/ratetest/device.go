package main

import (
	"context"
	"crypto/tls"
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

// heard is told of what arrived.
type heard func(user int, version int64, at time.Time)

// device is one user's: it acknowledges each notify at once, as one that has
// fetched.
type device struct {
	// Static after construction.
	number int
	conn   transport.Conn
	link   *rawdevice.Link

	// failed is why the connection ended.
	failed atomic.Pointer[error]
}

func userName(n int) string { return fmt.Sprintf("user-%05d", n) }

// connectDevice dials the edge and says Hello.
func connectDevice(ctx context.Context, edge string, conf *tls.Config, n int, token string) (*device, error) {
	d := &device{number: n}
	ctx, cancel := context.WithTimeout(ctx, welcomeTimeout)
	defer cancel()
	var err error
	if d.conn, err = transport.DialTCP(ctx, edge, conf); err != nil {
		return nil, err
	}
	d.link, _, err = rawdevice.Greet(d.conn, &wirepb.Hello{Token: token, Platform: wirepb.Platform_PLATFORM_OTHER}, welcomeTimeout)
	if err != nil {
		d.close()
		return nil, fmt.Errorf("say Hello as %s: %w", userName(n), err)
	}
	return d, nil
}

// listen acknowledges what it hears until the connection ends.
func (d *device) listen(tell heard) {
	for {
		f, err := d.link.Next(time.Time{})
		if n, ok := f.(*wire.Notify); ok && err == nil {
			err = d.take(n, time.Now(), tell)
		}
		if err != nil {
			d.failed.Store(&err)
			return
		}
	}
}

func (d *device) take(n *wire.Notify, now time.Time, tell heard) error {
	name, err := d.link.Kinds().Name(n.Kind)
	if err != nil {
		return err
	}
	if name == kind {
		tell(d.number, n.Version, now)
	}
	return d.link.Send(&wire.Ack{Kind: n.Kind, Version: n.Version})
}

func (d *device) close() {
	// The connection is of no more use, whatever the error says.
	_ = d.conn.CloseWithCode(0, "")
}
