package push

import (
	"math/rand/v2"
	"time"
)

const (
	backoffBase = time.Second
	// theirsMax bounds the waits for a provider, oursMax those for what is
	// hawser's own: that fails for all jobs at once and is back for all at once,
	// and what waits then is late for no reason.
	theirsMax = 5 * time.Minute
	oursMax   = 10 * time.Second
)

// backoff returns a wait after the given number of earlier failures: full
// jitter, because jobs that failed together must not return together, above a
// floor that keeps a job from spinning.
func backoff(before int, most time.Duration) time.Duration {
	ceiling := most
	if before < 9 { // 1 s << 9 is above the caps
		ceiling = min(most, backoffBase<<before)
	}
	return backoffBase/4 + rand.N(ceiling)
}

// failures are those of a key in a row, for one cause.
type failures struct {
	count int
	// until is when the wait for the last one that was counted is over.
	until time.Time
}

// wait counts one more failure and returns how long to wait. Newer jobs of a
// key are not kept waiting, and come several a second for a hot user: what fails
// before the wait is over is no further failure, or the last of them would wait
// for as long as there is.
func (f *failures) wait(now time.Time, most time.Duration) time.Duration {
	if left := f.until.Sub(now); left > 0 {
		return max(left, backoffBase/4)
	}
	wait := backoff(f.count, most)
	f.count++
	f.until = now.Add(wait)
	return wait
}

// spread adds up to a quarter to a wait that a provider asked for, which may
// be lengthened and never shortened.
func spread(after time.Duration) time.Duration {
	return after + rand.N(after/4+time.Millisecond)
}
