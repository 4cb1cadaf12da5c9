// Package rawdevice is a device without the SDK, for fleets of simulated
// devices: frames over any connection, on one goroutine, with no more memory
// than the frames need. It beats by itself and leaves to its user what a
// notify is worth.
package rawdevice

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// DefaultPatience is how long a device waits for the answer to a beat.
const DefaultPatience = 15 * time.Second

// Conn is what a link needs of a connection. A passed deadline must be an error
// with the method Timeout, after which Read may be called again.
type Conn interface {
	io.Reader
	io.Writer
	SetReadDeadline(t time.Time) error
}

// ErrSilent says that a beat was not answered.
var ErrSilent = errors.New("the edge does not answer")

// ClosedError is an edge's Close.
type ClosedError struct {
	Code   wire.CloseCode
	Reason string
	// Wait is when the device is to come back, and Slot what it then says; zero
	// where the edge did not tell.
	Wait time.Duration
	Slot []byte
}

func closedBy(f *wire.Close) *ClosedError {
	e := &ClosedError{Code: f.Code, Reason: f.Reason}
	if b := f.ComeBack; b != nil {
		e.Wait, e.Slot = time.Duration(b.WaitMs)*time.Millisecond, b.Slot
	}
	return e
}

func (e *ClosedError) Error() string { return fmt.Sprintf("%d %s (%s)", e.Code, e.Code, e.Reason) }

// Link is a welcomed connection. It is used by one goroutine. The connection
// stays its caller's, who closes it.
type Link struct {
	// Static after Greet.
	conn   Conn
	reader *wire.Reader
	kinds  wire.Kinds

	// Patience is how long a beat may go without an answer. Whoever sets it
	// does so before the first Next.
	Patience time.Duration

	interval time.Duration // the edge's
	every    time.Duration // of beats at fixed times; 0: the edge's interval
	next     time.Time     // when the next of those is due

	deadline time.Time // the connection's
	from     time.Time // from when the interval counts: the last frame sent, or that which brought it
	pingedAt time.Time // of a Ping after which nothing was heard; zero: none
	beatAt   time.Time // when the beat without a Pong was due; zero: none
	took     time.Duration
}

// Greet says Hello and waits for the Welcome, for no longer than limit. The
// error is a *ClosedError where the edge refuses.
func Greet(conn Conn, hello *wirepb.Hello, limit time.Duration) (*Link, *wirepb.Welcome, error) {
	l := &Link{conn: conn, reader: wire.NewReader(conn, wire.MaxPayload), Patience: DefaultPatience}
	if err := l.wake(time.Now().Add(limit)); err != nil {
		return nil, nil, err
	}
	if err := l.Send(&wire.Hello{Body: hello}); err != nil {
		return nil, nil, err
	}
	f, err := l.reader.Next()
	if err != nil {
		return nil, nil, err
	}
	switch f := f.(type) {
	case *wire.Welcome:
		l.kinds = f.Body.Kinds
		l.interval = time.Duration(f.Body.IntervalMs) * time.Millisecond
		return l, f.Body, nil
	case *wire.Close:
		return nil, nil, closedBy(f)
	default:
		return nil, nil, fmt.Errorf("a frame %v before Welcome", f.Type())
	}
}

// Kinds is the list of the Welcome.
func (l *Link) Kinds() wire.Kinds { return l.kinds }

// BeatAt has a beat sent at first and then every so often, whatever else is
// sent meanwhile; and at the edge's interval, where that is shorter.
func (l *Link) BeatAt(first time.Time, every time.Duration) { l.next, l.every = first, every }

// Send writes a frame.
func (l *Link) Send(f wire.Frame) error {
	l.from = time.Now()
	_, err := l.conn.Write(wire.Append(nil, f))
	return err
}

// Next returns the edge's next frame, and os.ErrDeadlineExceeded when until
// has passed; the zero time never does. Meanwhile it sends the beats that are
// due. What concerns the link alone it has done before it returns the frame: a
// Probe is answered, a Pong's interval holds. A Close is a *ClosedError.
func (l *Link) Next(until time.Time) (wire.Frame, error) {
	l.took = 0
	for {
		if err := l.wake(l.due(until)); err != nil {
			return nil, err
		}
		f, err := l.reader.Next()
		if err == nil {
			return f, l.take(f)
		}
		if !isTimeout(err) {
			return nil, err
		}
		now := time.Now()
		if err := l.beat(now); err != nil {
			return nil, err
		}
		if !until.IsZero() && !now.Before(until) {
			return nil, os.ErrDeadlineExceeded
		}
	}
}

// Took is how long the beat took that the frame just returned by Next
// answered, counted from when it was due. 0: that frame answered none.
func (l *Link) Took() time.Duration { return l.took }

func (l *Link) take(f wire.Frame) error {
	l.pingedAt, l.from = time.Time{}, time.Now()
	switch f := f.(type) {
	case *wire.Probe:
		return l.Send(&wire.Ping{Answer: true})
	case *wire.Pong:
		if f.Interval > 0 {
			l.interval = f.Interval
		}
		if !l.beatAt.IsZero() {
			l.took, l.beatAt = time.Since(l.beatAt), time.Time{}
		}
	case *wire.Close:
		return closedBy(f)
	}
	return nil
}

// beatDue is when the next beat is due.
func (l *Link) beatDue() time.Time {
	at := l.from.Add(l.interval)
	if l.every > 0 && l.next.Before(at) {
		return l.next
	}
	return at
}

// due is when Next has to look up though nothing comes.
func (l *Link) due(until time.Time) time.Time {
	at := l.beatDue()
	if !l.pingedAt.IsZero() {
		at = l.pingedAt.Add(l.Patience)
	}
	if !until.IsZero() && until.Before(at) {
		return until
	}
	return at
}

// beat sends a beat that is due, and gives up where one was not answered.
func (l *Link) beat(now time.Time) error {
	if !l.pingedAt.IsZero() {
		if now.Sub(l.pingedAt) >= l.Patience {
			return ErrSilent
		}
		return nil
	}
	due := l.beatDue()
	if now.Before(due) {
		return nil
	}
	for l.every > 0 && !l.next.After(now) {
		l.next = l.next.Add(l.every)
	}
	if l.beatAt.IsZero() {
		l.beatAt = due
	}
	l.pingedAt = now
	return l.Send(&wire.Ping{})
}

// wake sets the connection's deadline.
func (l *Link) wake(at time.Time) error {
	if at.Equal(l.deadline) {
		return nil
	}
	l.deadline = at
	return l.conn.SetReadDeadline(at)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
