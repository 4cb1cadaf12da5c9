package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// A raw is a device without the SDK: it speaks frames, on one goroutine. A
// silent one and one that is away acknowledge nothing; a connected one fetches
// and acknowledges everything.
type raw struct {
	*device

	// Owned by the goroutine that uses the device.
	ticket []byte
	slot   []byte // of an edge that had no room
	conns  int
	spread time.Duration // the last edge's, should it die
	fetch  fetches
}

func newRaw(d *device) *raw { return &raw{device: d, fetch: fetches{}} }

const (
	// welcomeTimeout bounds Hello and Welcome.
	welcomeTimeout = 10 * time.Second
	// minBackoff and maxBackoff bound the wait before the next connection.
	minBackoff = 100 * time.Millisecond
	maxBackoff = 3 * time.Second
)

// hold keeps a session until ctx ends.
func (r *raw) hold(ctx context.Context) {
	wait := minBackoff
	for {
		l, err := r.greet(ctx)
		pauseFor := wait/2 + rand.N(wait)
		if at := r.slotOf(err); at > 0 {
			pauseFor = at
		}
		wait = min(2*wait, maxBackoff)
		if err == nil {
			wait = minBackoff
			err = r.listen(ctx, l)
			pauseFor = r.beforeReturn(err)
		}
		if ctx.Err() != nil {
			return
		}
		r.ended(err)
		r.judge(err)
		if !sleep.For(ctx, pauseFor) {
			return
		}
	}
}

// errMoves ends a connection whose edge asked the device to go elsewhere.
var errMoves = errors.New("the edge sends the device elsewhere")

// beforeReturn is how long the device waits after a connection that lived.
func (r *raw) beforeReturn(err error) time.Duration {
	if errors.Is(err, errMoves) || r.spread <= 0 {
		return 0 // it has waited already
	}
	return rand.N(r.spread)
}

// slotOf keeps the slot that an edge gave instead of a Welcome, and returns how
// long it is until then.
func (r *raw) slotOf(err error) time.Duration {
	var told *rawdevice.ClosedError
	if !errors.As(err, &told) || told.Wait <= 0 {
		return 0
	}
	r.slot = told.Slot
	return told.Wait
}

// judge notes a close that nothing in the run accounts for.
func (r *raw) judge(err error) {
	var told *rawdevice.ClosedError
	if errors.As(err, &told) && !told.Code.Reconnect() && told.Code != wire.CloseSuperseded {
		r.fleet.book.trouble("%s was closed: %v", r.device, err)
	}
}

// rawLink is a welcomed connection.
type rawLink struct {
	*rawdevice.Link
	conn     transport.Conn
	edge     string
	number   int
	requests uint64
	// moveAt is when the device goes elsewhere; zero: it stays.
	moveAt time.Time
}

// greet connects and says Hello. The caller closes the link.
func (r *raw) greet(ctx context.Context) (*rawLink, error) {
	ctx, cancel := context.WithTimeout(ctx, welcomeTimeout)
	defer cancel()
	if err := r.fleet.door(ctx); err != nil {
		return nil, err
	}
	defer r.fleet.through()
	conn, edge, err := r.dial(ctx, transport.TCP)
	if err != nil {
		return nil, err
	}
	r.conns++
	l := &rawLink{conn: conn, edge: edge, number: r.conns}
	if err := r.hello(l); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (r *raw) hello(l *rawLink) (err error) {
	var w *wirepb.Welcome
	l.Link, w, err = rawdevice.Greet(l.conn, &wirepb.Hello{
		Token: r.jwt, Platform: r.platform(), App: r.app(), PushToken: r.token, ResumeTicket: r.ticket,
		Versions: r.fetch.versions(), Slot: r.slot,
	}, welcomeTimeout)
	if err != nil {
		return err
	}
	r.slot = nil
	l.Patience = welcomeTimeout
	r.ticket, r.spread = w.ResumeTicket, time.Duration(w.ReconnectSpreadMs)*time.Millisecond
	return nil
}

// listen records what is told and keeps the connection alive. It closes the
// link.
func (r *raw) listen(ctx context.Context, l *rawLink) error {
	r.arrived(l.edge)
	defer r.departed(l.edge)
	stop := context.AfterFunc(ctx, l.close)
	defer l.close()
	defer stop()
	r.fetch.reconnected()
	for {
		f, err := l.Next(r.due(l))
		switch {
		case err == nil:
			err = r.take(l, f)
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = r.act(l, time.Now())
		}
		if err != nil {
			return err
		}
	}
}

// due is when there is something to do though nothing comes; zero: never.
func (r *raw) due(l *rawLink) time.Time {
	at := r.fetch.due()
	if !l.moveAt.IsZero() && (at.IsZero() || l.moveAt.Before(at)) {
		return l.moveAt
	}
	return at
}

// act does what is due.
func (r *raw) act(l *rawLink, now time.Time) error {
	if !l.moveAt.IsZero() && !now.Before(l.moveAt) {
		return errMoves
	}
	return r.fetchDue(l, now)
}

// take handles one frame.
func (r *raw) take(l *rawLink, f wire.Frame) error {
	switch f := f.(type) {
	case *wire.Notify:
		kind, err := l.Kinds().Name(f.Kind)
		if err != nil {
			return err
		}
		r.record(toldTo, arrival{kind: kind, version: f.Version, conn: l.number, at: time.Now()})
		if r.part == connected {
			return r.want(l, kind, f.Version)
		}
	case *wire.Response:
		return r.fetched(l, f)
	case *wire.GoAway:
		l.moveAt = time.Now().Add(rand.N(max(time.Duration(f.Body.SpreadMs)*time.Millisecond, time.Millisecond)))
	}
	return nil
}

func (l *rawLink) close() {
	// The connection is of no more use, whatever the error says.
	_ = l.conn.CloseWithCode(0, "")
}
