package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

const (
	// visitRounds are those that count; the one before them warms both up.
	visitRounds = 10
	// rest lets a side finish what it does behind its answers.
	rest = 500 * time.Millisecond
)

// connectBeside: devices come, beat once and go, --rate a second for a
// third of --duration each: at the edge with new tokens, at the edge with the
// tokens that they had, and at the other side.
func (r *run) connectBeside(ctx context.Context) error {
	h, addrs, err := r.startBare(ctx, sideLoop)
	defer func() { h.stop() }()
	if err != nil {
		return err
	}
	r.watch.enter("visits")
	t := newTurns()
	var done atomic.Int64 // rounds, which the narrator reads meanwhile
	each := max(int(r.o.rate*r.o.duration.Seconds()/3/visitRounds), 1)
	visits := func(name string, pid int, c VisitCall) func() error {
		c.Count, c.Rate = each, r.o.rate
		return func() error {
			return t.turn(name, pid, func() (int, error) { return r.visit(ctx, c) })
		}
	}
	edge := r.fleet.pids()[0]
	sides := []func() error{
		visits(sideEdge, edge, VisitCall{}),
		visits(sideEdgeAgain, edge, VisitCall{Keep: true}),
		visits(sideLoop, h.cmd.Process.Pid, VisitCall{Addr: addrs.Devices}),
	}
	err = r.n.during("rounds", visitRounds+1, func() int { return int(done.Load()) }, func() error {
		for round := range visitRounds + 1 {
			if round == 1 {
				t.forget()
			}
			if err := inTurns(round, sides...); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.rep.Conns.Wanted, r.rep.Conns.Held = 3*visitRounds*each, t.count[sideEdge]+t.count[sideEdgeAgain]+t.count[sideLoop]
	r.rep.Beside = append(r.rep.Beside, t.compare("connect", sideEdge, sideLoop), t.compare("reconnect", sideEdgeAgain, sideLoop))
	r.rep.caveat("a connect is all from TCP to its end: TLS without resumption, Hello and Welcome, a beat, and the end; the bare loop answers as many bytes. In a reconnect the device has the token of its last visit. Both run with %s", gogc)
	return nil
}

// visit has devices come and go at one side.
func (r *run) visit(ctx context.Context, c VisitCall) (served int, err error) {
	c.Start = time.Now().Add(lead)
	served, err = r.crew.visit(ctx, c)
	return served, errors.Join(err, waitUnless(ctx, rest))
}

func waitUnless(ctx context.Context, d time.Duration) error {
	if !sleep.For(ctx, d) {
		return ctx.Err()
	}
	return nil
}
