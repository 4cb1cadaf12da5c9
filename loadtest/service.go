package main

import (
	"os"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// service is a worker as its parent sees it. Calls run side by side.
type service struct{ w *worker }

// Prepare comes first.
func (s *service) Prepare(p Plan, _ *Nothing) error { return s.w.prepare(p) }

// Fill gives each user a version of every kind.
func (s *service) Fill(_ Nothing, _ *Nothing) error {
	w := s.w
	return w.publisher.fill(w.ctx, w.own(0, w.plan.Conns), func(user, kind int, version int64) {
		w.device(user).fill(kind, version)
	})
}

// Connect returns when all that are to connect did, or gave up.
func (s *service) Connect(c ConnectCall, _ *Nothing) error {
	s.w.connectAll(c)
	return nil
}

// Publish returns when the last publication is under way.
func (s *service) Publish(c PublishCall, _ *Nothing) error {
	s.w.publish(s.w.ctx, c)
	return nil
}

// Churn returns when the last device has vanished.
func (s *service) Churn(c ChurnCall, _ *Nothing) error {
	s.w.churn(c)
	return nil
}

// Dismiss returns when the connections are ended.
func (s *service) Dismiss(c DismissCall, _ *Nothing) error {
	for _, n := range s.w.own(c.From, c.To) {
		s.w.device(n).leave(true)
	}
	return nil
}

// Trace notes the CPU that the worker uses.
func (s *service) Trace(c TraceCall, out *[]float64) error {
	*out = s.w.trace(c)
	return nil
}

// Burn uses as much CPU as a trace says.
func (s *service) Burn(c BurnCall, _ *Nothing) error {
	s.w.burn(c)
	return nil
}

// Settle waits for what was published to be heard.
func (s *service) Settle(limit time.Duration, all *bool) error {
	*all = s.w.settle(limit)
	return nil
}

// Stats answers at once.
func (s *service) Stats(_ Nothing, out *Stats) error {
	*out, _ = s.w.count.read()
	return nil
}

// Result is everything.
func (s *service) Result(_ Nothing, out *Result) error {
	out.Stats, out.TLS = s.w.count.read()
	out.Slots = s.w.slots.stats()
	out.Latencies = s.w.latencies.export()
	out.CPUSeconds = devmode.CPUSeconds(os.Getpid())
	out.RSS, _ = devmode.RSS(os.Getpid()) // 0 where there is no /proc
	return nil
}

// Leave ends all connections.
func (s *service) Leave(_ Nothing, _ *Nothing) error {
	s.w.leaveAll()
	return nil
}

// Visit returns how many were served.
func (s *service) Visit(c VisitCall, served *int) error {
	*served = s.w.visits(c)
	return nil
}

// Hear returns when the connections are there.
func (s *service) Hear(c HearCall, _ *Nothing) error { return s.w.hear(c) }
