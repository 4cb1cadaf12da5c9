package apns

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/hawser-edge/hawser/push"
)

// maxAnswer bounds how much of an answer is read; Apple's are under 100 bytes.
const maxAnswer = 4096

// exchange is one attempt. The library loses the status of answers that are
// not JSON and all headers, so that the transport notes both here.
type exchange struct {
	lane   *lane
	bearer string

	// Set by the transport.
	status     int // 0: no answer
	reason     string
	timestamp  time.Time
	retryAfter time.Duration
}

type exchangeKey struct{}

func withExchange(ctx context.Context, e *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

// transport sends each request on the lane of its exchange, once.
type transport struct{}

var errNoExchange = errors.New("apns: request without an exchange")

// RoundTrip implements http.RoundTripper.
func (transport) RoundTrip(req *http.Request) (*http.Response, error) {
	e, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errNoExchange
	}
	return e.do(req)
}

func (e *exchange) do(req *http.Request) (*http.Response, error) {
	c, err := e.lane.acquire(req.Context())
	if err != nil {
		return nil, err
	}
	defer func() { e.lane.release(c, e.status == http.StatusOK, e.leaves()) }()
	req = req.Clone(req.Context())
	req.Header.Set("authorization", "bearer "+e.bearer)
	resp, err := c.cc.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	e.note(resp, body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

func (e *exchange) note(resp *http.Response, body []byte) {
	e.status = resp.StatusCode
	e.retryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	var a struct {
		Reason    string `json:"reason"`
		Timestamp int64  `json:"timestamp"` // unix milliseconds
	}
	if json.Unmarshal(body, &a) != nil {
		return
	}
	e.reason = a.Reason
	if a.Timestamp > 0 {
		e.timestamp = time.UnixMilli(a.Timestamp)
	}
}

// leaves reports whether Apple wants no more requests on this connection.
func (e *exchange) leaves() bool {
	d, _ := demanded(e.status, e.reason)
	return e.status != 0 && d == reconnect
}

// failure words the verdict on an attempt without an answer. Whether the
// message was delivered is unknown: the repeat has the same id.
func (e *exchange) failure(ctx context.Context) push.Result {
	reason := "no connection"
	if ctx.Err() != nil {
		reason = "timeout"
	}
	return push.Result{Verdict: push.RetryAfter, Reason: reason}
}

// retryAfter reads the header's two forms; anything else is 0.
func retryAfter(header string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(header, 10, 32); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(header); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
