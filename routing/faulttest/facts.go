package main

import "time"

// facts are what was seen from outside: what the publisher was answered, what
// the devices were handed or told, and what the push providers received. None
// of it is what hawser says of itself.
type facts struct {
	// keep is how many events of a user's kind the log holds.
	keep      int
	published []publication
	// sent are the ids of all publications, also of those without an answer.
	sent    map[string]bool
	repeats []repeat
	devices []deviceFacts
	// kills are the times of the kills, in order.
	kills []time.Time
}

// publication is an event that the publisher has an answer for.
type publication struct {
	user, kind, id string
	// version is the answer's.
	version int64
	// begun is before the first attempt, answered after the last.
	begun, answered time.Time
	attempts        int
}

// repeat is a publication that was sent again after its answer, with the same
// id.
type repeat struct {
	id        string
	version   int64
	duplicate bool
}

// part is what a device does in the run.
type part string

const (
	// connected fetches and acknowledges everything.
	connected part = "connected"
	// away registered its push token once and left.
	away part = "away"
	// silent holds a session, registered a push token and acknowledges
	// nothing.
	silent part = "silent"
)

// deviceFacts is what one device saw, each list in order of time.
type deviceFacts struct {
	user string
	part part

	// handed are the items that a connected device's application got.
	handed []arrival
	// snapshots are the versions up to which it was told to take a snapshot.
	snapshots []arrival
	// told are the heads that a silent device was notified of.
	told []arrival
	// pushes are what the provider received for the device's token.
	pushes []arrival
}

// arrival is one version of a kind that reached a device or its provider.
type arrival struct {
	kind    string
	version int64
	// id is the item's, for items: that of the publication.
	id string
	// conn numbers the device's connections, for notifies.
	conn int
	at   time.Time
}
