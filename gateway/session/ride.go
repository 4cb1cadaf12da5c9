package session

import (
	"time"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// On 2G a packet costs a device seconds of its radio, and a phone call may be
// in its way. What is not urgent stays pending there, and is taken along by
// whatever is written next: most often the answer to the device's own beat,
// with which its radio is awake anyway. Nothing else is needed to hold it: a
// device that does not beat ends with its deadline.

const (
	// maxRide is how far away the next beat may be: routers wait no longer.
	maxRide = 4 * time.Minute
	// awakeFor is how long after a packet a radio is awake at least.
	awakeFor = 5 * time.Second
)

// sparing is what a device says for which it may be spared.
type sparing uint8

const (
	background sparing = 1 << iota // on iOS it is stopped then
	asleep                         // see wire.State
	slowRadio                      // it is not woken for little
)

func (s sparing) has(why sparing) bool { return s&why != 0 }

func (s *sparing) set(why sparing, on bool) {
	*s &^= why
	if on {
		*s |= why
	}
}

func is2G(n *wirepb.Network) bool { return n.GetRadio() == wirepb.Radio_RADIO_2G }

// mayRideLocked reports whether what is not urgent waits for the device.
func (s *session) mayRideLocked() bool {
	if !s.spared.has(slowRadio) || s.muteLocked() || s.out.writing || s.asked != nothing || s.now()-s.lastLocked() < awakeFor {
		return false
	}
	return s.rideLocked() <= maxRide
}

// rideLocked is the time until the device's next frame is due, at least a
// second: beats are late now and then.
func (s *session) rideLocked() time.Duration {
	return max(s.lastLocked()+s.interval.duration()-s.now(), time.Second)
}

// pickUp has what waited for a frame of the device written.
func (s *session) pickUp() {
	s.lock()
	defer s.unlock()
	if s.out.rides && !s.closingLocked() {
		s.kickLocked()
	}
}

// ridesLocked reports whether a notify waits for the device.
func (s *session) ridesLocked() bool { return s.busy != nil && s.out.rides }
