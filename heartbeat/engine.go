package heartbeat

import "time"

// Bounds of every interval that is handed out.
const (
	// Min is a floor against evidence that is wrong or forged: below it, beats
	// cost more than the connections they keep.
	Min = 25 * time.Second
	// Max keeps a connection's death from going unnoticed for longer than half
	// an hour, and stays below the half hour at which some networks cut.
	Max = 1740 * time.Second
)

// maxJitter is the greatest share that Jitter takes off.
const maxJitter = 0.03

// Engine hands out intervals. An implementation is safe for concurrent use
// and never blocks; the View of one connection is used by one caller at a
// time.
type Engine interface {
	// Open begins the view of a connection that was welcomed.
	Open(now time.Time, p Path) View
	// Move tells that the device reports another network.
	Move(now time.Time, v *View, p Path)
	// Heard tells that a frame of the device arrived after a silence of that
	// length.
	Heard(now time.Time, v *View, silence time.Duration)
	// Interval is what to hand out next, between Min and Max and with its
	// jitter. r is a random number of [0, 1).
	Interval(now time.Time, v *View, r float64) time.Duration
	// Closed ends the view.
	Closed(now time.Time, v *View, how Ending)
}

// View is what an engine keeps of one connection. It is a value inside the
// session: a million of them must cost no allocation.
type View struct {
	Path Path
}

// Ending is how a connection ended, as the edge saw it.
type Ending uint8

// The ways a connection ends.
const (
	EndOther Ending = iota // by a decision of the device or the edge: says nothing of the network
	EndIdle                // nothing came within the deadline
	EndReset               // the transport reported an error
)

// Jitter shortens d by 0 to 3 %. It only shortens: a longer silence than the
// one decided on is the one that was not decided on. r is of [0, 1).
func Jitter(d time.Duration, r float64) time.Duration {
	return d - time.Duration(float64(d)*maxJitter*r)
}

// Clamp brings d between Min and Max.
func Clamp(d time.Duration) time.Duration { return min(max(d, Min), Max) }

// Deadline is how long the edge waits for a frame after it handed out an
// interval. The grace above the interval is for a beat that is sent late, as
// timers on a sleeping phone are, or again, over a radio that was asleep.
func Deadline(interval time.Duration) time.Duration {
	return interval + 20*time.Second + interval/10
}
