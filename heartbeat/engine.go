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
//
// A silence, in all methods, is the time since the last frame before, in
// either direction, as the edge saw it: from a frame that arrived, or one that
// the edge wrote. One that is negative or absurd is counted and ignored.
//
// The edge tells what happens in the order in which it happens. For a probe:
//
//	Next      -> {Interval: 428s, Probe: 420s}   with Pong; 420 s of silence pass
//	Probed    (silence 420s)                     the edge wrote Probe
//	Heard     (silence 80ms)                     the answer: 420 s are safe
//	Next      -> {Interval: 420s}                with Pong
//
// or, through a NAT that has forgotten the connection:
//
//	Probed    (silence 420s)                     lost
//	Heard     (silence 8s)                       the device's own beat: 420 s are not safe
type Engine interface {
	// Open begins the view of a connection that is being welcomed.
	Open(now time.Time, a Arrival) View
	// Move tells that the device reports another network, or that the edge
	// sees the device at an address of another one.
	Move(now time.Time, v *View, p Path)
	// Shift tells that the application moved to the foreground or the
	// background, or that the device can beat or can no longer.
	Shift(now time.Time, v *View, s State)
	// Probed tells that the edge wrote a Probe after that silence.
	Probed(now time.Time, v *View, silence time.Duration)
	// Notified tells that the edge wrote a frame that a device answers soon,
	// though not at once, after that silence: a Notify.
	Notified(now time.Time, v *View, silence time.Duration)
	// Heard tells that a frame of the device arrived after that silence.
	Heard(now time.Time, v *View, silence time.Duration)
	// Rebound tells that a frame of the device arrived after that silence from
	// another port or address of the same network (QUIC): the mapping before
	// it was forgotten. It is called instead of Heard.
	Rebound(now time.Time, v *View, silence time.Duration)
	// Next is what to hand out with Welcome or Pong. It replaces the plan
	// before it. r is a random number of [0, 1).
	Next(now time.Time, v *View, r float64) Plan
	// Closed ends the view, after that silence.
	Closed(now time.Time, v *View, how Ending, silence time.Duration)
}

// Plan is what the edge does until the next one.
type Plan struct {
	// Interval is the silence after which the device sends Ping, between Min
	// and Max (of the engine's time scale) and with its jitter.
	Interval time.Duration
	// Probe is the silence after which the edge sends a Probe, once, less
	// than Interval. 0: none. A frame, either way, begins the silence anew;
	// the probe stays planned until it is sent or there is another plan.
	Probe time.Duration
}

// Arrival is what a Hello tells.
type Arrival struct {
	Path  Path
	Peer  Peer
	State State
	Last  Report
}

// Peer is who the other end is, as far as one of them may not speak for many.
// The numbers are hashes, keyed if the caller likes; 0 is unknown.
type Peer struct {
	Device     uint64 // tenant, user and device
	Subscriber uint64 // the address, or the /64 of IPv6
	Block      uint64 // the /24, or the /48 of IPv6
}

// State is what the application does.
type State struct {
	Background bool
	// Mute is set while the device cannot beat: its system has put it to
	// sleep. It is handed the longest interval, and its silence says nothing.
	Mute bool
}

// Report is what a device says of how its last connection ended. It is a
// claim: it counts as one, within its bounds and the caps of its Peer. The
// zero value says nothing.
type Report struct {
	How How
	// LastGood is the longest silence before a beat that was answered. It
	// proves nothing and is kept for the eye only.
	LastGood time.Duration
	// FirstMiss is the silence before the first frame that was not answered,
	// or that a reset answered.
	FirstMiss time.Duration
	// Reconnect is the time from the end to this Hello.
	Reconnect time.Duration
}

// How is how a connection ended, as the device saw it.
type How uint8

// The ways a device loses a connection that can say something of the network.
const (
	HowOther   How = iota // closed by either end, or the device changed its network
	HowReset              // a reset or an error of the socket
	HowTimeout            // no answer came in time
)

// View is what an engine keeps of one connection: 16 bytes without a pointer,
// a value inside the session. Its fields are the engine's own.
type View struct {
	cell       uint32 // where the cell is: shard, slot and the slot's generation
	device     uint16 // tags of Peer
	subscriber uint8
	block      uint8
	interval   uint16 // handed out last, in tenths of a second of the engine's time
	asked      uint16 // the silence that is being tested, likewise; 0: none
	lo, hi     uint8  // what the connection showed: steps of grid; 0: nothing
	flags      uint16
}

// Ending is how a connection ended, as the edge saw it.
type Ending uint8

// The ways a connection ends.
const (
	EndOther    Ending = iota // by a decision of the device or the edge: says nothing of the network
	EndIdle                   // nothing came within the deadline
	EndReset                  // the transport reported an error
	EndReplaced               // the device came back on another connection
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
