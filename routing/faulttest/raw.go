package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

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
		if !pause(ctx, pauseFor) {
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

// judge notes a close that nothing in the run accounts for.
func (r *raw) judge(err error) {
	var told *closedError
	if errors.As(err, &told) && !told.code.Reconnect() && told.code != wire.CloseSuperseded {
		r.fleet.book.trouble("%s was closed: %v", r.device, err)
	}
}

// closedError is an edge's Close.
type closedError struct {
	code   wire.CloseCode
	reason string
}

func (e *closedError) Error() string { return fmt.Sprintf("%d %s (%s)", e.code, e.code, e.reason) }

// rawLink is a welcomed connection.
type rawLink struct {
	conn     transport.Conn
	edge     string
	reader   *wire.Reader
	kinds    wire.Kinds
	interval time.Duration
	number   int
	requests uint64
	// sentAt is when the last frame was sent: beats are due by that alone.
	// pingedAt is when a beat was sent that has no answer; zero: none.
	sentAt, pingedAt time.Time
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
	l := &rawLink{conn: conn, edge: edge, reader: wire.NewReader(conn, wire.MaxPayload), number: r.conns}
	if err := r.hello(l); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (r *raw) hello(l *rawLink) error {
	if err := l.conn.SetReadDeadline(time.Now().Add(welcomeTimeout)); err != nil {
		return err
	}
	frame := &wire.Hello{Body: &wirepb.Hello{
		Token: r.jwt, Platform: r.platform(), App: r.app(), PushToken: r.token, ResumeTicket: r.ticket,
		Versions: r.fetch.versions(),
	}}
	if err := l.send(frame); err != nil {
		return err
	}
	f, err := l.reader.Next()
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case *wire.Welcome:
		r.ticket, l.kinds = f.Body.ResumeTicket, f.Body.Kinds
		l.interval = time.Duration(f.Body.IntervalMs) * time.Millisecond
		r.spread = time.Duration(f.Body.ReconnectSpreadMs) * time.Millisecond
		return nil
	case *wire.Close:
		return &closedError{f.Code, f.Reason}
	default:
		return fmt.Errorf("a frame %v before Welcome", f.Type())
	}
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
		if err := l.conn.SetReadDeadline(r.due(l)); err != nil {
			return err
		}
		f, err := l.reader.Next()
		switch {
		case err == nil:
			l.pingedAt = time.Time{}
			err = r.take(l, f)
		case isTimeout(err):
			err = r.act(l, time.Now())
		}
		if err != nil {
			return err
		}
	}
}

// due is when there is something to do though nothing comes.
func (r *raw) due(l *rawLink) time.Time {
	at := l.sentAt.Add(l.interval)
	if !l.pingedAt.IsZero() {
		at = l.pingedAt.Add(welcomeTimeout)
	}
	for _, other := range []time.Time{l.moveAt, r.fetch.due()} {
		if !other.IsZero() && other.Before(at) {
			at = other
		}
	}
	return at
}

// act does what is due.
func (r *raw) act(l *rawLink, now time.Time) error {
	switch {
	case !l.moveAt.IsZero() && !now.Before(l.moveAt):
		return errMoves
	case !l.pingedAt.IsZero() && now.Sub(l.pingedAt) >= welcomeTimeout:
		return errors.New("the edge does not answer")
	case l.pingedAt.IsZero() && now.Sub(l.sentAt) >= l.interval:
		l.pingedAt = now
		if err := l.send(&wire.Ping{}); err != nil {
			return err
		}
	}
	return r.fetchDue(l, now)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// take handles one frame.
func (r *raw) take(l *rawLink, f wire.Frame) error {
	switch f := f.(type) {
	case *wire.Notify:
		kind, err := l.kinds.Name(f.Kind)
		if err != nil {
			return err
		}
		r.record(toldTo, arrival{kind: kind, version: f.Version, conn: l.number, at: time.Now()})
		if r.part == connected {
			return r.want(l, kind, f.Version)
		}
	case *wire.Response:
		return r.fetched(l, f)
	case *wire.Probe:
		return l.send(&wire.Ping{})
	case *wire.Pong:
		if f.Interval > 0 {
			l.interval = f.Interval
		}
	case *wire.GoAway:
		l.moveAt = time.Now().Add(rand.N(max(time.Duration(f.Body.SpreadMs)*time.Millisecond, time.Millisecond)))
	case *wire.Close:
		return &closedError{f.Code, f.Reason}
	}
	return nil
}

func (l *rawLink) send(f wire.Frame) error {
	l.sentAt = time.Now()
	_, err := l.conn.Write(wire.Append(nil, f))
	return err
}

func (l *rawLink) close() {
	// The connection is of no more use, whatever the error says.
	_ = l.conn.CloseWithCode(0, "")
}
