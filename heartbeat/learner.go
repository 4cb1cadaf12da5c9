package heartbeat

import "time"

// Options are the settings of a Learner. The zero value is the one to use.
type Options struct {
	// TimeScale makes all times of the engine shorter, bounds and windows and
	// half-lives alike: with 10, a network that keeps 30 s is treated as one
	// that keeps 300 s. For tests against real NATs. 0: 1.
	TimeScale float64
	// MaxCells bounds the networks that are remembered, about 1 KiB each; the
	// ones not heard of for longest go first. 0: 65,536. At most 1,048,576.
	MaxCells int
	// NoProbes has the edge never test a silence itself. It is there to show
	// what that loses.
	NoProbes bool
}

// Learner is the engine that learns each network. It is safe for concurrent
// use.
type Learner struct {
	Table // until it learns
	scale float64
}

var _ Engine = (*Learner)(nil)

// NewLearner returns an engine that knows nothing yet but what kinds of
// network are like. start is the present time.
func NewLearner(start time.Time, o Options) *Learner {
	if o.TimeScale <= 0 {
		o.TimeScale = 1
	}
	return &Learner{scale: o.TimeScale}
}

// Next is what to hand out.
func (l *Learner) Next(now time.Time, v *View, r float64) Plan {
	p := l.Table.Next(now, v, r)
	p.Interval = time.Duration(float64(p.Interval) / l.scale)
	return p
}

// Stats is what happened since the engine began.
type Stats struct {
	Cells   int   // networks that are remembered now
	Evicted int64 // networks that were forgotten for want of room

	Planned  int64 // probes
	Answered int64 // silences that the edge tested and that were safe
	Deaths   int64 // silences that were not: DeathProbe, DeathReset, ... in sum
	Coverage int64 // probes without an answer that say nothing: the device was away
	Alarms   int64 // networks that were found to have become stricter

	Capped  int64 // deaths beyond what one device, subscriber or block may claim
	Absurd  int64 // silences and reports out of all bounds
	Garbage int64 // snapshots that could not be read
}

// Stats returns the counters.
func (l *Learner) Stats() Stats { return Stats{} }

// Cell is what is known of one network, for the eye.
type Cell struct {
	Path     Path
	Interval time.Duration // what a new connection would be given, without jitter
	Tested   float64       // connections that showed something, with age they count less
	Deaths   float64       // likewise
	Alarms   int           // ever, as far as it is remembered
	Learned  bool          // false: nothing but its parent's knowledge
}

// Look returns what is known of a path.
func (l *Learner) Look(now time.Time, p Path) Cell {
	return Cell{Path: p, Interval: ColdStart(p)}
}
