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

// A raw is a device without the SDK: it speaks frames and acknowledges
// nothing. The silent and the away devices are of this sort.
type raw struct {
	*device

	// Owned by the goroutine that uses the device.
	ticket []byte
	conns  int
}

const (
	// welcomeTimeout bounds Hello and Welcome.
	welcomeTimeout = 10 * time.Second
	// minBackoff and maxBackoff bound the wait before the next connection.
	minBackoff = 100 * time.Millisecond
	maxBackoff = 3 * time.Second
)

// hold keeps a session that hears everything and acknowledges nothing, until
// ctx ends.
func (r *raw) hold(ctx context.Context) {
	wait := minBackoff
	for {
		l, err := r.greet(ctx)
		if err == nil {
			wait = minBackoff
			err = r.listen(ctx, l)
		}
		if ctx.Err() != nil {
			return
		}
		r.judge(err)
		wait = min(2*wait, maxBackoff)
		if !pause(ctx, wait/2+rand.N(wait)) {
			return
		}
	}
}

// judge notes a close that nothing in the run accounts for.
func (r *raw) judge(err error) {
	var told *closedError
	if errors.As(err, &told) && !told.code.Reconnect() {
		r.fleet.book.trouble("the %s device of %s was closed: %v", r.name, r.user, err)
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
	reader   *wire.Reader
	kinds    wire.Kinds
	interval time.Duration
	number   int
	// sentAt is when the last frame was sent: beats are due by that alone.
	sentAt time.Time
}

// greet connects and says Hello. The caller closes the link.
func (r *raw) greet(ctx context.Context) (*rawLink, error) {
	ctx, cancel := context.WithTimeout(ctx, welcomeTimeout)
	defer cancel()
	conn, err := r.dial(ctx, transport.TCP)
	if err != nil {
		return nil, err
	}
	r.conns++
	l := &rawLink{conn: conn, reader: wire.NewReader(conn, wire.MaxPayload), number: r.conns}
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
		Token: r.jwt, Platform: r.platform(), App: r.app(), PushToken: r.book.token, ResumeTicket: r.ticket,
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
	stop := context.AfterFunc(ctx, l.close)
	defer l.close()
	defer stop()
	pinged := false
	for {
		wait := l.interval
		if pinged {
			wait = welcomeTimeout
		}
		if err := l.conn.SetReadDeadline(l.sentAt.Add(wait)); err != nil {
			return err
		}
		f, err := l.reader.Next()
		switch {
		case err == nil:
			pinged = false
			err = r.take(l, f)
		case isTimeout(err) && !pinged:
			pinged = true
			err = l.send(&wire.Ping{})
		}
		if err != nil {
			return err
		}
	}
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
		r.book.record(toldTo, arrival{kind: kind, version: f.Version, conn: l.number, at: time.Now()})
	case *wire.Probe:
		return l.send(&wire.Ping{})
	case *wire.Pong:
		if f.Interval > 0 {
			l.interval = f.Interval
		}
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
