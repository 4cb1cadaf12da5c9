package session

import "time"

const (
	// maxAsks bounds the routers that are told when a kind is acknowledged.
	// Beyond it the oldest is forgotten; it asks again within a second.
	maxAsks = 4

	// claimFor is how long a device is believed to have a version that no
	// router has named yet. A device that syncs can be ahead of the news, but
	// only for as long as news travels. A claim that is never confirmed, be it
	// a lie or the memory of a log that was since restored to an older state,
	// must not swallow later notifies.
	claimFor = 30 * time.Second
)

// kindState is what a session knows of one kind. Guarded by the session's mu.
//
// acked <= known always: what a device says beyond the versions that routers
// named is kept apart as a claim, so no number that a device makes up ever
// leaves its session.
type kindState struct {
	name string
	// known is the newest version that a router named.
	known int64
	// acked is what the device has.
	acked int64
	// sent is the newest version on its way: written, or waiting to be.
	sent int64
	// previous goes with sent while pending.
	previous int64
	pending  bool
	// claimed is the greatest version the device said it has, above known at
	// that time, and claimedAt when it first said so; see hello.
	claimed   int64
	claimedAt time.Duration
	// failedIn is set when a sync of the kind failed, to one more than the
	// number of outages until then; 0: it did not.
	failedIn uint32
	asks     []ask
}

// ask is a router that waits for a version to be acknowledged.
type ask struct {
	router  string
	version int64
}

// notify takes up that version is out. It reports how that stands and whether
// there is something new to write.
func (k *kindState) notify(now time.Duration, version, previous int64) (state AnswerState, write bool) {
	k.known = max(k.known, version)
	if now-k.claimedAt < claimFor {
		k.settle(k.claimed)
	}
	if version <= k.acked {
		return Acked, false
	}
	if version <= k.sent {
		return InFlight, false
	}
	k.sent, k.previous, k.pending = version, previous, true
	return InFlight, true
}

// failed takes up that a sync of the device failed after so many outages.
func (k *kindState) failed(outages uint32) { k.failedIn = outages + 1 }

// again has what is in flight written once more where a sync of it failed before
// the last outage ended. It reports whether there is something to write.
func (k *kindState) again(outages uint32) bool {
	if k.failedIn == 0 || k.failedIn > outages || k.pending || k.sent <= k.acked {
		return false
	}
	k.failedIn, k.previous, k.pending = 0, 0, true
	return true
}

// head takes up a kind's head. It reports whether the device has to be told.
//
// Here the device's claim counts whatever its age: heads are asked for to
// compare them with what it said in Hello. A claim above the head is refuted,
// and with it what was acknowledged on its strength: the log was restored to
// an older state, or the device errs. It is told the head, which makes it sync
// and there learn to go back. Heads are read after Hello, so a device that is
// right is hardly ever ahead of them; if it is, it answers with an Ack.
func (k *kindState) head(version int64) bool {
	k.known = max(k.known, version)
	if k.claimed > k.known {
		k.claimed, k.acked = 0, 0
	}
	k.settle(k.claimed)
	if version <= max(k.acked, k.sent) {
		return false
	}
	k.sent, k.previous, k.pending = version, 0, true
	return true
}

// ack takes up that the device has a version. It reports whether acked rose.
func (k *kindState) ack(now time.Duration, version int64) bool {
	// Saying the same again does not make it younger.
	if version > max(k.known, k.claimed) {
		k.claimed, k.claimedAt = version, now
	}
	return k.settle(version)
}

// hello takes up the version that the device said in Hello. Only the heads,
// which are on their way, prove or refute it: until then notifies are passed
// on, for a device that has them acknowledges them at once.
func (k *kindState) hello(version int64) {
	k.claimed, k.claimedAt = max(k.claimed, version), -claimFor
}

// settle raises acked to version, as far as routers named it.
func (k *kindState) settle(version int64) bool {
	version = min(version, k.known)
	if version <= k.acked {
		return false
	}
	k.acked = version
	if k.acked >= k.sent {
		k.pending = false // it has what waits to be written
		k.failedIn = 0
	}
	return true
}

// remember notes that router waits for version, and reports whether another
// had to be forgotten for it.
func (k *kindState) remember(router string, version int64) (forgot bool) {
	for i := range k.asks {
		if k.asks[i].router == router {
			k.asks[i].version = max(k.asks[i].version, version)
			return false
		}
	}
	if len(k.asks) == maxAsks {
		copy(k.asks, k.asks[1:])
		k.asks = k.asks[:maxAsks-1]
		forgot = true
	}
	k.asks = append(k.asks, ask{router, version})
	return forgot
}

// answers appends to out what to tell the routers that wait, and forgets those
// whose wait is over.
func (k *kindState) answers(out []reply, conn uint64) []reply {
	left := k.asks[:0]
	for _, a := range k.asks {
		state := Acked
		if k.acked < a.version {
			state = InFlight
			left = append(left, a)
		}
		out = append(out, reply{a.router, Answer{Conn: conn, Kind: k.name, State: state, Acked: k.acked, Version: a.version}})
	}
	if k.asks = left; len(left) == 0 {
		k.asks = nil
	}
	return out
}

// reply is an answer on its way to a router.
type reply struct {
	router string
	answer Answer
}
