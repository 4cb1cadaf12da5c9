package apns

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/h2conn"
)

// maxAnswer bounds how much of an answer is read; Apple's are under 100 bytes.
const maxAnswer = 4096

// exchange is one attempt. The library loses the status of answers that are
// not JSON and all headers, so that the transport notes both here.
type exchange struct {
	h2   *h2conn.Client
	lane h2conn.Lane

	// Set by the transport.
	bearer     string // the provider token that was used
	status     int    // 0: no answer
	taken      bool   // Apple took the message
	reason     string
	timestamp  time.Time
	retryAfter time.Duration
	date       time.Time // by the server's clock; zero: not said
}

type exchangeKey struct{}

func withExchange(ctx context.Context, e *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

// transport sends each request on the connection of its exchange, once.
type transport struct{}

var errNoExchange = errors.New("apns: request without an exchange")

// RoundTrip implements http.RoundTripper.
func (transport) RoundTrip(req *http.Request) (*http.Response, error) {
	e, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errNoExchange
	}
	req = req.Clone(req.Context())
	a, err := e.h2.Do(req, e.lane)
	e.bearer = strings.TrimPrefix(req.Header.Get("Authorization"), "bearer ")
	if err != nil {
		return nil, err
	}
	e.note(a)
	return &http.Response{
		StatusCode: a.Status, Header: a.Header, Request: req,
		Proto: "HTTP/2.0", ProtoMajor: 2,
		Body: io.NopCloser(bytes.NewReader(a.Body)),
	}, nil
}

func (e *exchange) note(a *h2conn.Answer) {
	e.status, e.retryAfter = a.Status, a.RetryAfter(time.Now())
	// Apple says yes with the id and without a body. What has a body and no id is
	// the page of a proxy on the way, and the message never came to Apple.
	e.taken = a.Status == http.StatusOK && (len(a.Body) == 0 || a.Header.Get("apns-id") != "")
	e.reason, e.timestamp = read(a)
	e.date, _ = http.ParseTime(a.Header.Get("Date"))
}

// read returns the reason and the timestamp of an answer, if it has them.
func read(a *h2conn.Answer) (reason string, timestamp time.Time) {
	if len(a.Body) == 0 {
		return "", time.Time{} // it was taken
	}
	var body struct {
		Reason    string `json:"reason"`
		Timestamp int64  `json:"timestamp"` // unix milliseconds
	}
	if json.Unmarshal(a.Body, &body) != nil {
		return "", time.Time{}
	}
	if body.Timestamp > 0 {
		timestamp = time.UnixMilli(body.Timestamp)
	}
	return body.Reason, timestamp
}

// leaves reports whether Apple wants no more requests on this connection.
func leaves(a *h2conn.Answer) bool {
	reason, _ := read(a)
	d, _ := demanded(a.Status, reason)
	return a.Status != http.StatusOK && d == reconnect
}

// failure words the verdict on an attempt without an answer. Whether the
// message was delivered is unknown: the repeat has the same id.
func (e *exchange) failure(ctx context.Context) push.Result {
	reason := "no connection"
	if ctx.Err() != nil {
		reason = "timeout"
	}
	return push.Result{Verdict: push.RetryAfter, Cause: push.OfLine, Reason: reason}
}
