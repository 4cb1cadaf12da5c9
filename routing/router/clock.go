package router

import (
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing/clocks"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// clockQuorum is how many others must contradict a router's clock. A single
// one may itself be wrong.
const clockQuorum = 2

// clockBeats is how many beats of another one are enough: as many as come
// while a router listens before it is complete.
const clockBeats = 2

// clockEvery is how often the clocks are compared.
const clockEvery = 200 * time.Millisecond

// clockDoubt is for how long a router that works must be contradicted before it
// stops: one that was held up hears beats late, all at once.
const clockDoubt = time.Second

// clock compares the host's wall clock with those of the other routers and of
// the edges. By a clock that is behind, every session's epoch lies in the
// future and is refused; by one that is ahead, every event has waited for too
// long and is pushed. Owned by the loop.
type clock struct {
	others *clocks.Estimator
	lookAt time.Time
	// since is when the others began to contradict; zero: they do not.
	since time.Time
	wrong bool
}

func newClock(now time.Time) clock {
	return clock{others: clocks.New(now, clockQuorum, clockBeats)}
}

// edge takes what an edge's beat says. Names of edges hold no dot.
func (c *clock) edge(b *linkpb.SessionBatch, now time.Time) {
	if len(b.GetAdded())+len(b.GetRemoved()) == 0 {
		c.others.Beat(b.GetEdge(), b.GetIncarnation(), b.GetNowMs(), true, now)
	}
}

func (l *loop) takeBeat(router string, m *nats.Msg, now time.Time) {
	b := &linkpb.RouterBeat{}
	if proto.Unmarshal(m.Data, b) != nil || b.GetRouter() != router {
		l.malformed(m.Subject)
		return
	}
	if router != l.r.cfg.Name {
		l.clock.others.Beat("router."+router, b.GetIncarnation(), b.GetNowMs(), !b.GetLeaving(), now)
		l.hearRouter(router, b, now)
	}
}

// watchClock finds out whether the clock is wrong. judge acts on
// it.
func (l *loop) watchClock(now time.Time) {
	c := &l.clock
	if now.Before(c.lookAt) {
		return
	}
	c.lookAt = now.Add(clockEvery)
	r := c.others.Read(now, now)
	wrong := l.contradicted(r.State == clocks.Wrong, now)
	l.r.metrics.clockAhead.Set(r.Ahead.Seconds())
	if wrong == c.wrong {
		return
	}
	c.wrong = wrong
	l.r.wrongClock.Store(wrong)
	if wrong {
		l.r.cfg.Log.Error("this host's clock differs from those of the other routers and the edges: this router takes no events until NTP has set it",
			"ahead_s", r.Ahead.Seconds())
		return
	}
	l.r.cfg.Log.Info("this host's clock is right again", "ahead_s", r.Ahead.Seconds())
}

// contradicted reports whether the others contradict for long enough to count.
// Before the router is complete that is at once.
func (l *loop) contradicted(contradict bool, now time.Time) bool {
	c := &l.clock
	if !contradict {
		c.since = time.Time{}
		return false
	}
	if c.since.IsZero() {
		c.since = now
	}
	return c.wrong || !l.complete || now.Sub(c.since) >= clockDoubt
}

// WrongClock reports whether the other routers and the edges contradict this
// host's clock: the router is not complete then.
func (r *Router) WrongClock() bool { return r.wrongClock.Load() }
