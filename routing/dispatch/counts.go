package dispatch

// Counts are totals since New, and what is open now.
type Counts struct {
	// Messages handed in, and of them: delivered before; already past their
	// patience on arrival.
	Messages, Redelivered, Late uint64
	// Superseded messages were acknowledged for a later one; GivenBack ones
	// were returned because an edge did not answer.
	// Abandoned ones were forgotten because this router stood still.
	Superseded, GivenBack, Abandoned uint64
	// Relieved events did not get their whole patience, and PutOff ones were
	// left to the log for some seconds: their tenant holds its part.
	Relieved, PutOff uint64
	// Settled devices, by how: acknowledged, push job stored, or without
	// either because nothing is left to do. Nobody counts messages of users
	// without any device.
	Acked, Pushed, Released, Nobody uint64
	// Notifies sent, and of them repeated ones.
	Notifies, Reasked uint64
	// Answers of edges, and those for sessions that ended since.
	Answers, AnswersUnknown, AnswersAhead uint64
	// Away counts devices found without a session, Doubtful sessions that let
	// their patience pass, Reminded sessions that registered just after an
	// event was settled without them, Owed pushes whose token came just after.
	Away, Doubtful, Reminded, Owed uint64
	// Again are events that were taken in once more after the log was away.
	Again uint64
	// Stores of push jobs that were called for, and those that failed.
	Stores, StoreErrors uint64
	// Unneeded jobs were removed because their device acknowledged while they
	// waited for their time.
	Unneeded uint64
	// Hints handed in of what was not settled yet.
	Hints uint64
	// Checks by the push role.
	Checks uint64
	// RecentEvicted counts what was forgotten early for want of room.
	RecentEvicted uint64

	// Held messages, open deliveries and remembered kinds, now.
	Held, Deliveries, Recent int
}

// Counts returns the totals.
func (p *Dispatcher) Counts() Counts {
	c := p.counts
	c.Held, c.Deliveries, c.Recent = p.hold.open, p.devices, p.recent.size
	return c
}

// count tells how a message was settled.
func (p *Dispatcher) count(f *flow, h *held) {
	if len(f.devices) == 0 {
		p.counts.Nobody++
	}
	for _, d := range f.devices {
		switch d.settles(h) {
		case byAck:
			p.counts.Acked++
		case byJob:
			p.counts.Pushed++
		case byRelease:
			p.counts.Released++
		}
	}
}
