package heartbeat

const (
	// Every device of a network tests upPeriod seconds apart, in the mean,
	// whether the network keeps more than it did; the network as a whole at
	// most once in upPause, and soon again when it was seen to.
	upPeriod = 48 * 3600
	upPause  = 900
	upAgain  = 30
	// upBuckets is how far beyond the interval.
	upBuckets = 4
	// upDoubt is the share of connections that was thought to die of a try,
	// for its success to be news.
	upDoubt = 0.7
)

// raise says when to try whether a network keeps more than it did. What a try
// shows is evidence like all other. Nothing is taken back for it: where some
// connections are kept for longer than others, luck must not look like a
// change, and each connection finds out for itself once others were lucky.
type raise struct {
	next float64
}

// due reports whether to try now, and if so says when to try next.
func (r *raise) due(now float64, live int32) bool {
	pause := max(float64(upPeriod)/float64(max(live, 1)), upPause)
	if r.next == 0 {
		r.next = now + pause/2
	}
	if now < r.next {
		return false
	}
	r.next = now + pause
	return true
}

// good is a try that went well.
func (r *raise) good(now float64) { r.next = min(r.next, now+upAgain) }
