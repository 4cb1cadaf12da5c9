package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

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
	reader *wire.Reader
	kinds  wire.Kinds
	heard  func(user int, version int64, at time.Time)

	// failed is why the connection ended.
	failed atomic.Pointer[error]
}

func userName(n int) string { return fmt.Sprintf("user-%05d", n) }

// connectDevice dials the edge and says Hello.
func connectDevice(ctx context.Context, f *fleet, n int) (*device, error) {
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
	d.reader = wire.NewReader(d.conn, wire.MaxPayload)
	if err := d.hello(jwt); err != nil {
		d.close()
		return nil, fmt.Errorf("say Hello as %s: %w", d.user, err)
	}
	return d, nil
}

func (d *device) hello(jwt string) error {
	if err := d.conn.SetReadDeadline(time.Now().Add(welcomeTimeout)); err != nil {
		return err
	}
	if err := d.send(&wire.Hello{Body: &wirepb.Hello{Token: jwt, Platform: wirepb.Platform_PLATFORM_OTHER}}); err != nil {
		return err
	}
	f, err := d.reader.Next()
	if err != nil {
		return err
	}
	w, ok := f.(*wire.Welcome)
	if !ok {
		return fmt.Errorf("a frame %v before Welcome", f.Type())
	}
	d.kinds = w.Body.Kinds
	return d.conn.SetReadDeadline(time.Time{})
}

// listen acknowledges what it hears until the connection ends.
func (d *device) listen() {
	for {
		f, err := d.reader.Next()
		now := time.Now()
		if err == nil {
			err = d.take(f, now)
		}
		if err != nil {
			d.failed.Store(&err)
			return
		}
	}
}

func (d *device) take(f wire.Frame, now time.Time) error {
	switch f := f.(type) {
	case *wire.Notify:
		name, err := d.kinds.Name(f.Kind)
		if err != nil {
			return err
		}
		if name == kind {
			d.heard(d.number, f.Version, now)
		}
		return d.send(&wire.Ack{Kind: f.Kind, Version: f.Version})
	case *wire.Probe:
		return d.send(&wire.Ping{})
	case *wire.Close:
		return fmt.Errorf("closed: %d %s", f.Code, f.Reason)
	}
	return nil
}

func (d *device) send(f wire.Frame) error {
	_, err := d.conn.Write(wire.Append(nil, f))
	return err
}

func (d *device) close() {
	// The connection is of no more use, whatever the error says.
	_ = d.conn.CloseWithCode(0, "")
}
