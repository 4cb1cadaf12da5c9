package h2conn

import (
	"net/http"
	"strconv"
	"time"
)

// Answer is a response that was read to its end.
type Answer struct {
	Status int
	Header http.Header
	// Body is at most Config.MaxAnswer bytes; the rest was not read.
	Body []byte
}

// RetryAfter reads the header's two forms; 0 if it is absent, past or
// malformed.
func (a *Answer) RetryAfter(now time.Time) time.Duration {
	header := a.Header.Get("Retry-After")
	if n, err := strconv.ParseInt(header, 10, 32); err == nil {
		return time.Duration(max(0, n)) * time.Second
	}
	if t, err := http.ParseTime(header); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
