package h2conn

import (
	"errors"
	"io"
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

// maxRetryAfter bounds what is believed of the header Retry-After. Services ask
// for seconds to minutes. One that says days is a proxy's or a mistake, and would
// stop an application until somebody restarts the process; who means it says so
// again.
const maxRetryAfter = time.Hour

// RetryAfter reads the header's two forms; 0 if it is absent, past or malformed,
// and an hour at most.
func (a *Answer) RetryAfter(now time.Time) time.Duration {
	header := a.Header.Get("Retry-After")
	if header == "" {
		return 0 // as nearly always: the parsers would make errors of it
	}
	if n, err := strconv.ParseInt(header, 10, 64); err == nil {
		return time.Duration(min(max(0, n), int64(maxRetryAfter/time.Second))) * time.Second
	}
	if t, err := http.ParseTime(header); err == nil {
		return min(max(0, t.Sub(now)), maxRetryAfter)
	}
	return 0
}

// unsaid is how much is made ready for a body of a length that the peer does
// not say, or says to be longer.
const unsaid = 512

// readBody reads a body to its end or to most bytes. Nearly all have under a
// hundred, or none: no more than that is made ready for them.
func readBody(resp *http.Response, most int64) ([]byte, error) {
	size := resp.ContentLength
	if size < 0 || size > unsaid {
		size = unsaid
	}
	b := make([]byte, 0, min(size, most)+1) // the end shows in reading beyond
	for r := io.LimitReader(resp.Body, most); ; {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}
