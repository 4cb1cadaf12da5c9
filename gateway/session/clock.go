package session

import "time"

// A Clock is the wall clock by which tokens are judged and epochs are made.
// What lasts is measured without it, so that a step of the host's clock ends
// nothing that lives.
type Clock interface {
	// Now is what time it is, as far as the edge can tell. Where the host's
	// clock is known to be wrong it is the routers' time.
	Now() time.Time
	// State says what is known of the host's own clock.
	State() ClockState
}

// ClockState is what is known of the host's clock.
type ClockState uint8

// What is known of the host's clock.
const (
	// ClockRight: the routers have the same time.
	ClockRight ClockState = iota
	// ClockUnknown: there has been no router to compare it with. Devices are
	// let in; but one whose token seems to have expired is not told so, which
	// would end its attempts until its application acts: it is sent to try
	// again.
	ClockUnknown
	// ClockWrong: the routers have another time. No new device is let in.
	ClockWrong
)

// hostClock is the Clock where none is given: the host's, taken for right.
type hostClock struct{}

func (hostClock) Now() time.Time    { return time.Now() }
func (hostClock) State() ClockState { return ClockRight }
