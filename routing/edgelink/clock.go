package edgelink

import (
	"sync"
	"time"

	"github.com/hawser-edge/hawser/routing/clocks"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// clock compares the host's wall clock with those of the routers. Only
// complete routers have a vote: one that finds its own clock wrong is not. A single
// router is believed, for it is the one that judges epochs.
type clock struct {
	wall func() time.Time // static after construction

	mu sync.Mutex
	// Guarded by mu.
	peers *clocks.Estimator
	last  clocks.State
}

func newClock(wall func() time.Time) *clock {
	return &clock{wall: wall, peers: clocks.New(time.Now(), 1, 3)}
}

func (c *clock) beat(m *linkpb.RouterBeat, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.GetLeaving() {
		c.peers.Forget(m.GetRouter())
		return
	}
	c.peers.Beat(m.GetRouter(), m.GetIncarnation(), m.GetNowMs(), m.GetComplete(), at)
}

func (c *clock) read() clocks.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peers.Read(c.wall(), time.Now())
}

// turned reports the present reading where it became wrong, or right again,
// since the last call.
func (c *clock) turned() (r clocks.Reading, turned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r = c.peers.Read(c.wall(), time.Now())
	was := c.last
	if r.State != clocks.Unknown {
		c.last = r.State
	}
	return r, (was == clocks.Wrong) != (c.last == clocks.Wrong)
}

// mayRefuse reports whether a router's refusal of an epoch counts: by a wrong
// clock every epoch lies in the future, and all devices would be sent away.
func (c *clock) mayRefuse(router string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.peers.Contradicts(router, c.wall(), time.Now())
}

// Clock is what the routers' clocks say of this host's, and what time it is by
// them.
func (l *Link) Clock() clocks.Reading { return l.clock.read() }

// watchClock says in the log when the clock turned wrong, and right again.
func (l *Link) watchClock() {
	r, turned := l.clock.turned()
	switch {
	case !turned:
	case r.State == clocks.Wrong:
		l.log.Error("this host's clock differs from the routers': no new device is let in until NTP has set it", "ahead_s", r.Ahead.Seconds())
	default:
		l.log.Info("this host's clock is right again", "ahead_s", r.Ahead.Seconds())
	}
}
