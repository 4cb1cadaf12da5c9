package push

import (
	"math/rand/v2"
	"time"
)

const (
	backoffBase = time.Second
	backoffMax  = 5 * time.Minute
)

// backoff returns a wait after the given number of earlier failures: full
// jitter, because jobs that failed together must not return together, above a
// floor that keeps a job from spinning.
func backoff(before int) time.Duration {
	ceiling := backoffMax
	if before < 9 { // 1 s << 9 is above the cap
		ceiling = min(backoffMax, backoffBase<<before)
	}
	return backoffBase/4 + rand.N(ceiling)
}

// spread adds up to a quarter to a wait that a provider asked for, which may
// be lengthened and never shortened.
func spread(after time.Duration) time.Duration {
	return after + rand.N(after/4+time.Millisecond)
}
