package transport

import "time"

// settled is for how long a connection has been open that counts as an elder:
// longer than an edge that starts takes for some ten thousand.
const settled = 15 * time.Second

// elders counts the connections that a rush would disturb: those that were there
// a while before it.
type elders struct {
	// Owned by the accept loop.
	looked       time.Time // the last time
	last, before int       // how many were open then, and the time before
}

// count is how many of the open connections have been so for longer than
// settled, at least: up to twice as long passes until one counts. It is to be
// called for each connection that comes.
func (e *elders) count(now time.Time, open int) int {
	switch since := now.Sub(e.looked); {
	case since >= 2*settled:
		// None came lately: who is open was there before.
		e.looked, e.last, e.before = now, open, open
	case since >= settled:
		e.looked, e.last, e.before = now, open, e.last
	}
	// Who comes after others have left is new.
	e.last, e.before = min(e.last, open), min(e.before, open)
	return e.before
}
