package fcm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxAnswer bounds how much of an answer is read.
const maxAnswer = 64 << 10

// exchange is one attempt, as the transport saw it.
type exchange struct {
	tried  bool
	access string // the access token that was used
	err    error  // no answer came
	status int

	// Of an answer that is not 200.
	rpc        string // google.rpc status word
	code       string // the FcmError detail
	badRequest bool   // there is a BadRequest detail
	retryAfter time.Duration
}

type exchangeKey struct{}

func withExchange(ctx context.Context, e *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

// transport makes one request for each exchange and hides from the SDK what it
// would retry: errors and 503.
type transport struct {
	base   http.RoundTripper
	access *accessTokens
}

var errOnce = errors.New("fcm: second request of one attempt")

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	e, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok || e.tried {
		return nil, errOnce
	}
	e.tried = true
	resp, body, err := t.do(req, e)
	if err != nil {
		e.err = err
		return substitute(req, nil), nil
	}
	e.note(resp, body)
	if resp.StatusCode == http.StatusServiceUnavailable {
		return substitute(req, body), nil
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (t *transport) do(req *http.Request, e *exchange) (*http.Response, []byte, error) {
	token, err := t.access.get(req.Context())
	if err != nil {
		return nil, nil, err
	}
	e.access = token
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp, body, err
}

// substitute is an answer that makes the SDK return.
func substitute(req *http.Request, body []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusInternalServerError,
		Status:     "500 withheld",
		Proto:      "HTTP/2.0", ProtoMajor: 2,
		Header:  http.Header{},
		Body:    io.NopCloser(bytes.NewReader(body)),
		Request: req,
	}
}

// errorBody is Google's error model with the details that matter here.
type errorBody struct {
	Error struct {
		Status  string `json:"status"`
		Details []struct {
			Type      string `json:"@type"`
			ErrorCode string `json:"errorCode"`
		} `json:"details"`
	} `json:"error"`
}

const (
	typeFcmError   = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
	typeBadRequest = "type.googleapis.com/google.rpc.BadRequest"
)

func (e *exchange) note(resp *http.Response, body []byte) {
	e.status = resp.StatusCode
	e.retryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	var b errorBody
	if e.status == http.StatusOK || json.Unmarshal(body, &b) != nil {
		return
	}
	e.rpc = b.Error.Status
	for _, d := range b.Error.Details {
		switch d.Type {
		case typeFcmError:
			e.code = d.ErrorCode
		case typeBadRequest:
			e.badRequest = true
		}
	}
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
