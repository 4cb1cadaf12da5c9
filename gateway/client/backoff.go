package client

import (
	"math/rand/v2"
	"time"
)

const (
	backoffBase = time.Second
	backoffCap  = 5 * time.Minute
)

// below returns a random time from 0 up to d, so that many devices that were
// cut off together do not come back together.
func below(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// ceiling is the longest wait after n failures in a row.
func ceiling(n int, base, most time.Duration) time.Duration {
	if n <= 0 {
		return 0
	}
	// A shift this far is above any cap.
	if n > 16 || base<<(n-1) > most {
		return most
	}
	return base << (n - 1)
}

// backoff is the wait before the next attempt to connect.
func backoff(failures int) time.Duration {
	return below(ceiling(failures, backoffBase, backoffCap))
}
