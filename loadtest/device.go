package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// device is one user's. It has no goroutine while it is connected but the one
// that listens.
type device struct {
	ledger

	// Owned by the goroutine of connect or listen; there is one of them.
	ticket []byte
	slot   slot

	// Guarded by the ledger's mu.
	conn    connection
	leaving bool // it ends its connection by itself
	done    bool // it does not come back
}

// deviceName is the installation that each user has.
const deviceName = "lt"

// tokenTTL outlives any run.
const tokenTTL = 25 * time.Hour

// visit is how a device connects and stays.
type visit struct {
	number  int
	due     time.Time // when it was to begin
	patient bool
	storm   bool
	took    *histogram
}

const (
	// attempts is how often a device that is not patient tries.
	attempts = 3
	// minBackoff and maxBackoff bound the wait before the next attempt.
	minBackoff = 250 * time.Millisecond
	maxBackoff = 10 * time.Second
)

// connect brings a device in and has it listened to.
func (w *worker) connect(ctx context.Context, v visit) {
	d := w.device(v.number)
	for try := 1; ; try++ {
		follow, err := w.greet(ctx, d, v.number)
		if err == nil {
			v.took.record(time.Since(v.due))
			w.slots.kept(d.slot.end(time.Now()), v.storm)
			// A goroutine of its own: the stack of this one has grown with the
			// handshake.
			w.devices.Go(func() { w.listen(ctx, d, follow, v) })
			return
		}
		if ctx.Err() != nil {
			return
		}
		w.count.failed(reasonOf(err))
		wait := backoff(try)
		if told, ok := d.slot.take(err, time.Now()); ok {
			// The edge is all right: this is no failure.
			try, wait = 0, told
		}
		if !v.patient && try == attempts || !sleep.For(ctx, wait) {
			return
		}
	}
}

// backoff is how long a device waits after its n-th failure in a row.
func backoff(n int) time.Duration {
	d := min(minBackoff<<min(n-1, 10), maxBackoff)
	return d/2 + rand.N(d)
}

// greet connects and is let in. The answer is what the device does then, until
// its connection ends.
func (w *worker) greet(ctx context.Context, d *device, number int) (follow func() error, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	user := userName(w.plan.Users, number)
	if w.plan.MQTT {
		return w.greetBroker(ctx, d, number, user)
	}
	now := time.Now()
	jwt, err := w.signer.Sign(token.Identity{Tenant: w.plan.Tenant, User: user, Device: deviceName, ExpiresAt: now.Add(tokenTTL)}, now)
	if err != nil {
		return nil, err
	}
	conn, err := w.dialer.dial(ctx, number)
	if err != nil {
		return nil, err
	}
	link, welcome, err := rawdevice.Greet(conn, &wirepb.Hello{
		Token: jwt, Platform: wirepb.Platform_PLATFORM_OTHER, App: "loadtest", Versions: d.versions(), ResumeTicket: d.ticket,
		Slot: d.slot.proof,
	}, attemptTimeout)
	if err != nil {
		_ = conn.Close() // the error above says more
		return nil, err
	}
	d.ticket = welcome.ResumeTicket
	d.arrive(conn, time.Now())
	w.count.arrived(conn.negotiated())
	if w.plan.Beat > 0 {
		link.BeatAt(w.firstBeat(), w.plan.Beat)
	}
	return func() error { return w.follow(d, link) }, nil
}

// firstBeat spreads the devices' beats.
func (w *worker) firstBeat() time.Time { return time.Now().Add(rand.N(w.plan.Beat)) }

// beaten notes an answered beat.
func (w *worker) beaten(took time.Duration) {
	w.beats.record(took)
	w.count.beat()
}

func (d *device) arrive(conn connection, now time.Time) {
	d.connected(now)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn, d.leaving = conn, false
}

// leave ends the connection, if there is one; for good where it is done.
func (d *device) leave(done bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = done
	if d.conn != nil {
		d.leaving = true
		_ = d.conn.Close() // there is nothing more to do with it
	}
}

// departed forgets the connection. It reports whether the device left by
// itself, and whether for good.
func (d *device) departed() (left, done bool) {
	d.disconnected()
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.conn.Close()
	d.conn = nil
	return d.leaving, d.done
}

// listen follows the connection until it ends, and has the device come back.
func (w *worker) listen(ctx context.Context, d *device, follow func() error, v visit) {
	err := follow()
	left, done := d.departed()
	w.count.departed()
	if done || ctx.Err() != nil {
		return
	}
	if !left {
		w.count.failed(reasonOf(err))
		if !v.patient {
			return
		}
	}
	v.due, v.took = time.Now(), w.latencies.of(groupReturn)
	w.devices.Go(func() { w.connect(ctx, v) })
}

// follow takes frames until there are no more, and acknowledges what is told.
func (w *worker) follow(d *device, link *rawdevice.Link) error {
	for {
		f, err := link.Next(time.Time{})
		if err != nil {
			return err
		}
		if took := link.Took(); took > 0 {
			w.beaten(took)
		}
		if n, ok := f.(*wire.Notify); ok {
			if err := w.told(d, link, n); err != nil {
				return err
			}
		}
	}
}

var errStrangeKind = errors.New("a notify of a kind that Welcome does not list")

// told notes a notify and acknowledges it.
func (w *worker) told(d *device, link *rawdevice.Link, n *wire.Notify) error {
	now := time.Now()
	name, err := link.Kinds().Name(n.Kind)
	if err != nil {
		return err
	}
	for i, kind := range kinds {
		if kind == name {
			w.count.heard(d.hear(i, n.Version, now))
			return link.Send(&wire.Ack{Kind: n.Kind, Version: n.Version})
		}
	}
	return errStrangeKind
}
