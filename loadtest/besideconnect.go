package main

import (
	"context"
	"errors"
	"time"
)

const (
	// visitRounds are those that count; the one before them warms both up.
	visitRounds = 10
	// rest lets a side finish what it does behind its answers.
	rest = 500 * time.Millisecond
)

// connectBeside: devices come, beat once and go, --rate a second for half of
// --duration at each side.
func (r *run) connectBeside(ctx context.Context) error {
	h, addrs, err := r.startBare(ctx, sideLoop)
	defer func() { h.stop() }()
	if err != nil {
		return err
	}
	r.watch.enter("visits")
	t, done := newTurns(), 0
	each := max(int(r.o.rate*r.o.duration.Seconds()/2/visitRounds), 1)
	edge := func() error {
		return t.turn(sideEdge, r.fleet.pids()[0], func() (int, error) { return r.visit(ctx, "", each) })
	}
	loop := func() error {
		return t.turn(sideLoop, h.cmd.Process.Pid, func() (int, error) { return r.visit(ctx, addrs.Devices, each) })
	}
	err = r.n.during("rounds", visitRounds+1, func() int { return done }, func() error {
		for ; done <= visitRounds; done++ {
			if done == 1 {
				t.forget()
			}
			if err := inTurns(done, edge, loop); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.rep.Conns.Wanted, r.rep.Conns.Held = 2*visitRounds*each, t.count[sideEdge]+t.count[sideLoop]
	r.rep.Beside = append(r.rep.Beside, t.compare("connect", sideLoop))
	r.rep.caveat("a connect is all from TCP to its end: TLS without resumption, Hello and Welcome, a beat, and the end; the bare loop answers as many bytes. Both run with %s", gogc)
	return nil
}

// visit has devices come and go at one side.
func (r *run) visit(ctx context.Context, addr string, count int) (served int, err error) {
	served, err = r.crew.visit(ctx, VisitCall{Addr: addr, Count: count, Start: time.Now().Add(lead), Rate: r.o.rate})
	return served, errors.Join(err, waitUnless(ctx, rest))
}

func waitUnless(ctx context.Context, d time.Duration) error {
	if !pause(ctx, d) {
		return ctx.Err()
	}
	return nil
}
