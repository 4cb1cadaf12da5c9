package rawdevice

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// edge is the other end of a link.
type edge struct {
	t    *testing.T
	conn net.Conn
	in   *wire.Reader
}

func (e *edge) send(f wire.Frame) {
	e.t.Helper()
	if _, err := e.conn.Write(wire.Append(nil, f)); err != nil {
		e.t.Error(err)
	}
}

func (e *edge) next() wire.Frame {
	e.t.Helper()
	f, err := e.in.Next()
	if err != nil {
		e.t.Error(err)
	}
	return f
}

// play greets, with the edge's part in serve, and hands the link to the test.
func play(t *testing.T, serve func(e *edge), test func(l *Link)) {
	synctest.Test(t, func(t *testing.T) {
		device, other := net.Pipe()
		e := &edge{t: t, conn: other, in: wire.NewReader(other, wire.MaxPayload)}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if e.next().Type() != wire.TypeHello {
				t.Error("the first frame is no Hello")
			}
			e.send(&wire.Welcome{Body: &wirepb.Welcome{Epoch: 1, IntervalMs: 60_000, Kinds: []string{"messages"}}})
			serve(e)
		}()
		l, w, err := Greet(device, &wirepb.Hello{Token: "t"}, time.Second)
		if err != nil || w.Epoch != 1 {
			t.Fatal(w, err)
		}
		test(l)
		<-done
	})
}

// A new interval counts from the frame that brought it.
func TestBeats(t *testing.T) {
	play(t, func(e *edge) {
		start := time.Now()
		for _, want := range []time.Duration{60 * time.Second, 90 * time.Second} {
			if e.next().Type() != wire.TypePing || time.Since(start).Round(time.Second) != want {
				t.Errorf("a beat after %v, want %v", time.Since(start), want)
			}
			time.Sleep(3 * time.Second)
			e.send(&wire.Pong{Interval: 27 * time.Second})
		}
	}, func(l *Link) {
		for range 2 {
			f, err := l.Next(time.Time{})
			if err != nil || f.Type() != wire.TypePong || l.Took() != 3*time.Second {
				t.Errorf("%v after %v: %v", f, l.Took(), err)
			}
		}
	})
}

func TestBeatsAtFixedTimes(t *testing.T) {
	play(t, func(e *edge) {
		start := time.Now()
		for _, want := range []time.Duration{5 * time.Second, 15 * time.Second, 25 * time.Second} {
			if e.next().Type() != wire.TypePing || time.Since(start).Round(time.Second) != want {
				t.Errorf("a beat after %v, want %v", time.Since(start), want)
			}
			e.send(&wire.Pong{})
			e.send(&wire.Notify{Kind: wire.Kind{Number: 1}, Version: int64(want)})
			e.next()
		}
	}, func(l *Link) {
		l.BeatAt(time.Now().Add(5*time.Second), 10*time.Second)
		for range 3 {
			if f, err := l.Next(time.Time{}); err != nil || f.Type() != wire.TypePong {
				t.Fatal(f, err)
			}
			f, err := l.Next(time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			// An acknowledgement moves no beat.
			time.Sleep(2 * time.Second)
			n := f.(*wire.Notify)
			if err := l.Send(&wire.Ack{Kind: n.Kind, Version: n.Version}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Where the device itself is late the beat's time counts from when it was due.
func TestLateBeat(t *testing.T) {
	play(t, func(e *edge) {
		e.next()
		e.send(&wire.Pong{})
	}, func(l *Link) {
		l.BeatAt(time.Now().Add(time.Second), 30*time.Second)
		time.Sleep(4 * time.Second)
		if _, err := l.Next(time.Time{}); err != nil || l.Took() != 3*time.Second {
			t.Errorf("took %v: %v", l.Took(), err)
		}
	})
}

func TestSilentEdge(t *testing.T) {
	play(t, func(e *edge) { e.next() }, func(l *Link) {
		start := time.Now()
		_, err := l.Next(time.Time{})
		if !errors.Is(err, ErrSilent) || time.Since(start) != 60*time.Second+DefaultPatience {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestUntil(t *testing.T) {
	play(t, func(e *edge) {
		time.Sleep(2 * time.Second)
		e.send(&wire.Probe{})
		if f := e.next().(*wire.Ping); !f.Answer {
			t.Error("the Ping does not say that it answers")
		}
		e.send(&wire.Close{Code: wire.CloseSuperseded, Reason: "newer"})
	}, func(l *Link) {
		if _, err := l.Next(time.Now().Add(time.Second)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		if f, err := l.Next(time.Time{}); err != nil || f.Type() != wire.TypeProbe {
			t.Error(f, err)
		}
		var told *ClosedError
		if _, err := l.Next(time.Time{}); !errors.As(err, &told) || told.Code != wire.CloseSuperseded {
			t.Error(err)
		}
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, other := net.Pipe()
		e := &edge{t: t, conn: other, in: wire.NewReader(other, wire.MaxPayload)}
		go func() {
			e.next()
			e.send(&wire.Close{Code: wire.CloseBusy})
		}()
		var told *ClosedError
		if _, _, err := Greet(device, &wirepb.Hello{Token: "t"}, time.Second); !errors.As(err, &told) || told.Code != wire.CloseBusy {
			t.Error(err)
		}
	})
}
