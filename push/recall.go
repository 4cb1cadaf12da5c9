package push

import "time"

const (
	// returnRate is how many jobs a second, of all stopped applications together,
	// return to this worker only to be turned away once more. Who has more waits
	// longer for each: a million jobs of a revoked credential cost the queue and
	// this worker little more than fifteen thousand.
	returnRate = 250
	// awayFor is for how long a job waits whose application has no room for it,
	// where there are few. It is called back sooner: that is how soon it comes to
	// a worker that took another one's place.
	awayFor = time.Minute
	// returnEvery is how often jobs return, together, that wait for awayFor. NATS
	// looks through all that wait whenever some are due, and settles nothing
	// meanwhile, which takes the longer the more there are: so the longer they wait
	// the more return together, at less than returnParts times in all.
	returnEvery = 4 * time.Second
	returnParts = 16
	// returnWithin bounds how far ahead slots are given. A job that news replace
	// leaves its slot behind: without this a few thousand devices with news all
	// the time would use up hours of them.
	returnWithin = 20 * time.Minute
	// maxRecalls bounds the jobs that can be called back, of all stopped
	// applications together, and minRecalls is what each may have of them however
	// many applications are stopped; a recall takes some 200 bytes. Others return
	// in their time.
	maxRecalls = 1 << 17
	minRecalls = 1 << 10
	// recallEvery is how often jobs are called back while there is room.
	recallEvery = 10 * time.Millisecond
	// recallAgain is when another job is called back where the one before did not
	// come, or came to nothing, and the breaker waits for an attempt.
	recallAgain = time.Second
)

// slots spreads what returns in time. It has no clock and no lock.
type slots struct{ next time.Time }

// take returns the first free slot from then on. Where all are taken for
// returnWithin they are given once more.
func (s *slots) take(now, from time.Time, every time.Duration) time.Time {
	if s.next.After(from) && s.next.Sub(from) < returnWithin {
		from = s.next
	}
	s.next = from.Add(every)
	return together(from, from.Sub(now))
}

// together returns the next time at which jobs return that wait for so long. These
// times are the same for all: those of longer waits are among those of shorter.
func together(at time.Time, wait time.Duration) time.Time {
	step := returnEvery
	for wait/step >= returnParts {
		step *= 2
	}
	return at.Truncate(step).Add(step)
}

// recall calls back a job that returns by itself at until.
type recall struct {
	until time.Time
	call  func()
}

// recalls are an application's, the oldest first. It has no clock and no lock.
type recalls struct{ list []recall }

// add takes one more, in the place of the oldest where there are too many: that
// one returns first by itself.
func (r *recalls) add(c recall, limit int, now time.Time) {
	r.forget(now)
	for len(r.list) >= limit {
		r.drop()
	}
	r.list = append(r.list, c)
}

// take returns up to n, and the number that remains.
func (r *recalls) take(n int, now time.Time) (some []recall, left int) {
	r.forget(now)
	for ; n > 0 && len(r.list) > 0; n-- {
		some = append(some, r.list[0])
		r.drop()
	}
	return some, len(r.list)
}

// size is how many there are.
func (r *recalls) size(now time.Time) int {
	r.forget(now)
	return len(r.list)
}

// forget drops those whose jobs have returned by themselves.
func (r *recalls) forget(now time.Time) {
	for len(r.list) > 0 && !r.list[0].until.After(now) {
		r.drop()
	}
}

func (r *recalls) drop() {
	r.list[0] = recall{}
	r.list = r.list[1:]
}
