package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// VisitCall has devices come, beat once and go, at their instants.
type VisitCall struct {
	// Addr is that of an accept loop, which answers with what it is told.
	// Empty: the edges.
	Addr string
	// Keep has a device bring the token of its last such visit, as an
	// application does while that is good.
	Keep  bool
	Count int // of all workers
	Start time.Time
	Rate  float64 // of all workers
}

// Groups of latencies: from the instant of a visit to its end.
const (
	groupVisit     = "visit"
	groupLoopVisit = "visit_loop"
)

// visits returns how many were served.
func (w *worker) visits(c VisitCall) int {
	var wg sync.WaitGroup
	var served atomic.Int64
	took := w.latencies.of(groupVisit)
	if c.Addr != "" {
		took = w.latencies.of(groupLoopVisit)
	}
	for n := w.plan.Number; n < c.Count; n += w.plan.Workers {
		due := c.Start.Add(time.Duration(float64(n) / c.Rate * float64(time.Second)))
		if !sleep.For(w.ctx, time.Until(due)) {
			break
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(w.ctx, attemptTimeout)
			defer cancel()
			if err := w.visit(ctx, c, n%w.plan.Conns); err != nil {
				w.count.failed(reasonOf(err))
				return
			}
			took.record(time.Since(due))
			served.Add(1)
		})
	}
	wg.Wait()
	return int(served.Load())
}

// visit connects, says Hello, is answered, beats, is answered, and ends the
// connection as a device does.
func (w *worker) visit(ctx context.Context, c VisitCall, number int) error {
	jwt, err := w.tokenOf(c, number)
	if err != nil {
		return err
	}
	hello := &wirepb.Hello{Token: jwt, Platform: wirepb.Platform_PLATFORM_OTHER, App: "loadtest"}
	if c.Addr != "" {
		return w.visitLoop(ctx, c.Addr, number, hello)
	}
	conn, err := w.dialer.dial(ctx, number)
	if err != nil {
		return err
	}
	link, _, err := rawdevice.Greet(conn, hello, attemptTimeout)
	if err == nil {
		w.count.arrived(conn.negotiated())
		defer w.count.departed()
		err = beatOnce(link)
	}
	return errors.Join(err, leaveOrderly(conn))
}

// tokenOf is what a device brings.
func (w *worker) tokenOf(c VisitCall, number int) (string, error) {
	if kept, ok := w.tokens.Load(number); ok && c.Keep {
		return kept.(string), nil
	}
	now := time.Now()
	issued := now.Add(-time.Duration(w.visited.Add(1)%visitSeconds) * time.Second)
	jwt, err := w.signer.Sign(token.Identity{
		Tenant: w.plan.Tenant, User: userName(w.plan.Users, number), Device: deviceName, ExpiresAt: now.Add(tokenTTL),
	}, issued)
	if c.Keep {
		w.tokens.Store(number, jwt)
	}
	return jwt, err
}

// visitSeconds is over how many seconds the times are spread at which tokens
// say that they were issued, so that hardly two of a user are the same.
const visitSeconds = 3600

// beatOnce sends a Ping and waits for the Pong. Other frames may come first.
func beatOnce(link *rawdevice.Link) error {
	if err := link.Send(&wire.Ping{}); err != nil {
		return err
	}
	for {
		f, err := link.Next(time.Now().Add(attemptTimeout))
		if err != nil {
			return err
		}
		if _, ok := f.(*wire.Pong); ok {
			return nil
		}
	}
}

// visitLoop says the same to an accept loop.
func (w *worker) visitLoop(ctx context.Context, addr string, number int, hello *wirepb.Hello) error {
	conn, err := w.dialer.dialTCP(ctx, addr, number)
	if err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(attemptTimeout)); err != nil {
		return err
	}
	for _, f := range []wire.Frame{&wire.Hello{Body: hello}, &wire.Ping{}} {
		said := wire.Append(nil, f)
		_, err = conn.Write(said)
		if err == nil {
			_, err = io.ReadFull(conn, said)
		}
		if err != nil {
			break
		}
	}
	return errors.Join(err, leaveOrderly(conn))
}

// leaveOrderly ends TLS and TCP, which connection.Close does not.
func leaveOrderly(c connection) error {
	if c, ok := c.(tcpConnection); ok {
		return c.Conn.Close()
	}
	return c.Close()
}
