package heartbeat

import (
	"sync/atomic"
	"time"
)

// Options are the settings of a Learner. The zero value is the one to use.
type Options struct {
	// TimeScale makes all times of the engine shorter, bounds and windows and
	// half-lives alike: with 10, a network that keeps 30 s is treated as one
	// that keeps 300 s. For tests against real NATs. 0: 1.
	TimeScale float64
	// MaxCells bounds the networks that are remembered, 4.5 KiB each; the
	// ones not heard of for longest go first. 0: 65,536. At most 1,048,576.
	MaxCells int
	// NoProbes has the edge never test a silence itself. It is there to show
	// what that loses.
	NoProbes bool
}

// Learner is the engine that learns each network. It is safe for concurrent
// use.
type Learner struct {
	// Static after construction.
	start    time.Time
	scale    float64
	noProbes bool

	shards [shards + transports*radios]shard
	caps   caps
	lately lately
	counts counts
}

var _ Engine = (*Learner)(nil)

// counts are those of Stats.
type counts struct {
	planned, answered, deaths, coverage, alarms, raises, capped, absurd, garbage atomic.Int64
}

// NewLearner returns an engine that knows nothing yet but what kinds of
// network are like. start is the present time.
func NewLearner(start time.Time, o Options) *Learner {
	l := &Learner{start: start, scale: o.TimeScale, noProbes: o.NoProbes}
	if !(l.scale > 0) {
		l.scale = 1
	}
	if o.MaxCells <= 0 {
		o.MaxCells = 1 << 16
	}
	room := max(min(o.MaxCells, maxCells)/shards, 1)
	for i := range shards {
		l.shards[i].init(room)
	}
	for class := range transports * radios {
		s := &l.shards[shards+class]
		s.init(1)
		s.find(Path{Transport: Transport(class / radios), Radio: Radio(class % radios)}, 0)
	}
	return l
}

// at is a time of the engine, in its seconds since the start.
func (l *Learner) at(now time.Time) float64 {
	return max(now.Sub(l.start).Seconds()*l.scale, 0)
}

// seconds is a length of time in the engine's seconds.
func (l *Learner) seconds(d time.Duration) float64 { return d.Seconds() * l.scale }

// duration is the reverse.
func (l *Learner) duration(seconds float64) time.Duration {
	return time.Duration(seconds / l.scale * float64(time.Second))
}

// shardOf is where a path's cell is.
func (l *Learner) shardOf(p Path) int {
	if p.Network == (Network{}) {
		return shards + p.class()
	}
	n := &p.Network
	return int(mix(uint32(n[0])<<24|uint32(n[1])<<16|uint32(n[2])<<8|uint32(n[3]), uint32(p.class())) % shards)
}

// Open begins the view of a connection that is being welcomed.
func (l *Learner) Open(now time.Time, a Arrival) View {
	v := View{
		device:     uint16(tag(a.Peer.Device)),
		subscriber: uint8(tag(a.Peer.Subscriber)),
		block:      uint8(tag(a.Peer.Block)),
	}
	v.setState(a.State)
	l.enter(l.at(now), &v, a.Path)
	l.reported(l.at(now), &v, a.Last)
	return v
}

// Move begins the view anew.
func (l *Learner) Move(now time.Time, v *View, p Path) {
	l.leave(v)
	v.forget()
	l.enter(l.at(now), v, p)
}

func (l *Learner) enter(now float64, v *View, p Path) {
	p = p.tidy()
	v.setPath(p)
	i := l.shardOf(p)
	s := &l.shards[i]
	s.mu.Lock()
	if _, known := s.byPath[p]; !known && !l.caps.takeNetwork(now, v) {
		s.mu.Unlock()
		l.counts.capped.Add(1)
		p.Network = Network{}
		i = l.shardOf(p)
		s = &l.shards[i]
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	slot := s.find(p, now)
	c := s.slots[slot]
	c.live++
	v.cell = handle(i, slot, c.generation)
	v.flags = v.flags&^epochs | uint16(c.down.epoch&15)*epoch
}

func (l *Learner) leave(v *View) {
	s, c := l.lock(v)
	defer s.mu.Unlock()
	c.release(v)
	c.live = max(c.live-1, 0)
}

// lock returns the view's cell and its shard, locked. Where the cell was
// forgotten, that is the parent.
func (l *Learner) lock(v *View) (*shard, *cell) {
	s := &l.shards[v.shard()%len(l.shards)]
	s.mu.Lock()
	if c := s.cell(v); c != nil {
		return s, c
	}
	s.mu.Unlock()
	class := int(v.flags & classBits)
	s = &l.shards[shards+class%(transports*radios)]
	v.cell = handle(shards+class, 0, s.slots[0].generation)
	v.forget()
	s.mu.Lock()
	s.slots[0].live++
	return s, s.slots[0]
}

// release gives the place of a planned probe back.
func (c *cell) release(v *View) {
	if v.is(planned) {
		c.probing = max(c.probing-1, 0)
	}
	v.flags &^= planned
}

// parentOf fills in the hazards of a cell's parent; its own lock is held, the
// parent's is not.
func (l *Learner) parentOf(now float64, c *cell) func(*[buckets]float32) {
	return func(h *[buckets]float32) {
		prior := priors[c.path.class()]
		if c.class {
			*h = prior
			return
		}
		s := &l.shards[shards+c.path.class()]
		s.mu.Lock()
		defer s.mu.Unlock()
		parent := s.slots[0]
		parent.refresh(now, l.parentOf(now, parent))
		parent.s.hazards(h)
	}
}

// Shift takes the new state over.
func (l *Learner) Shift(_ time.Time, v *View, s State) { v.setState(s) }
