package session

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

const (
	// drainGrace is how long the last device that is asked to move is still
	// served.
	drainGrace = 5 * time.Second
	// drainSpread is within what time a device moves once it is asked. The
	// edge spreads the asking itself.
	drainSpread = time.Second
	// drainPace is the time that a device adds to the spread: others must be
	// able to take it in, and a few devices need not be waited for long.
	drainPace = 10 * time.Millisecond
	// drainStep is how often the edge asks the next ones, and looks whether
	// all are gone.
	drainStep = 50 * time.Millisecond

	drainReason = "the edge drains"
)

// Drain moves the devices elsewhere: each gets GoAway, evenly over spread or
// over drainPace (10 ms) a device, whichever is shorter, and whoever is left
// drainGrace (5 s) after the last is closed with 3000, as is everybody at once
// when ctx ends. Devices that come meanwhile are let in, and asked at once; those
// that come after that are closed with 3000. It returns when nobody is left;
// Serve has to be ended separately.
func (srv *Server) Drain(ctx context.Context, spread time.Duration) {
	spread = min(spread, time.Duration(srv.hub.Count())*drainPace)
	start := time.Now()
	end := start.Add(spread + drainGrace)
	srv.draining.Store(&end)
	waiting := srv.hub.all() // who comes later sees draining
	for asked := 0; srv.hub.Count()+int(srv.unidentified.Load()) > 0 && ctx.Err() == nil && time.Now().Before(end); sleep.For(ctx, drainStep) {
		due := len(waiting)
		if passed := time.Since(start); passed < spread {
			due = int(float64(len(waiting)) * float64(passed+drainStep) / float64(spread+drainStep))
		}
		for ; asked < due; asked++ {
			waiting[asked].goAway(time.Until(end), drainReason)
		}
	}
	srv.drained.Store(true)
	for _, s := range srv.hub.all() {
		s.end(endShutdown, true)
	}
}

// goAway asks the device to move within grace.
func (s *session) goAway(grace time.Duration, reason string) {
	s.lock()
	defer s.unlock()
	if s.closingLocked() {
		return
	}
	_ = s.queueLocked(&wire.GoAway{Body: &wirepb.GoAway{
		SpreadMs: drainSpread.Milliseconds(),
		GraceMs:  max(grace, 0).Milliseconds(), // who comes last may come too late
		Reason:   reason,
	}})
}
