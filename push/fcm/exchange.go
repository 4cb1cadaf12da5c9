package fcm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/push/h2conn"
)

// exchange is one attempt, as the transport saw it.
type exchange struct {
	tried  bool
	access string // the access token that was used
	err    error  // no answer came
	status int
	taken  bool // Google took the message, or found a dry one right

	// Of a message that was not taken.
	rpc        string // google.rpc status word
	code       string // the FcmError detail
	info       string // the reason of an ErrorInfo detail
	badRequest bool   // there is a BadRequest detail, about more than the token
	badToken   bool   // there is one about the token alone
	ofDevice   bool   // a QuotaFailure detail speaks of the device
	retryAfter time.Duration
}

type exchangeKey struct{}

func withExchange(ctx context.Context, e *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

// transport makes one request for each exchange and hides from the SDK what it
// would retry: errors and 503.
type transport struct {
	h2     *h2conn.Client
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
	a, err := t.do(req, e)
	if err != nil {
		e.err = err
	} else {
		e.note(a)
	}
	return e.response(req), nil
}

func (t *transport) do(req *http.Request, e *exchange) (*h2conn.Answer, error) {
	token, err := t.access.get(req.Context())
	if err != nil {
		return nil, err
	}
	e.access = token
	// The request is the SDK's: what is added goes into a copy, which shares the
	// rest.
	req = req.WithContext(req.Context())
	req.Header = maps.Clone(req.Header)
	req.Header["Authorization"] = []string{"Bearer " + token}
	return t.h2.Do(req, h2conn.Main)
}

// response is what the SDK sees: whether the message was taken, and nothing that
// it would retry or follow. The rest of the answer e has noted.
func (e *exchange) response(req *http.Request) *http.Response {
	status := http.StatusInternalServerError
	if e.demand() == none {
		status = http.StatusOK
	}
	return &http.Response{
		StatusCode: status, Request: req, Proto: "HTTP/2.0", ProtoMajor: 2,
		Body: io.NopCloser(strings.NewReader("{}")),
	}
}

// errorBody is Google's error model with the details that matter here.
type errorBody struct {
	Error struct {
		Status  string `json:"status"`
		Details []struct {
			Type      string `json:"@type"`
			ErrorCode string `json:"errorCode"` // of FcmError
			Reason    string `json:"reason"`    // of ErrorInfo
			Fields    []struct {
				Field string `json:"field"`
			} `json:"fieldViolations"` // of BadRequest
			Quotas []struct {
				Subject     string `json:"subject"`
				Description string `json:"description"`
			} `json:"violations"` // of QuotaFailure
		} `json:"details"`
	} `json:"error"`
}

const (
	typeFcmError     = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
	typeBadRequest   = "type.googleapis.com/google.rpc.BadRequest"
	typeErrorInfo    = "type.googleapis.com/google.rpc.ErrorInfo"
	typeQuotaFailure = "type.googleapis.com/google.rpc.QuotaFailure"
)

func (e *exchange) note(a *h2conn.Answer) {
	if e.status = a.Status; e.status == http.StatusOK {
		e.taken = named(a.Body)
		return
	}
	e.retryAfter = a.RetryAfter(time.Now())
	var b errorBody
	if json.Unmarshal(a.Body, &b) != nil {
		return
	}
	e.rpc = b.Error.Status
	for _, d := range b.Error.Details {
		switch d.Type {
		case typeFcmError:
			e.code = d.ErrorCode
		case typeBadRequest:
			e.badToken = len(d.Fields) > 0
			for _, f := range d.Fields {
				e.badToken = e.badToken && f.Field == "message.token"
			}
			e.badRequest = !e.badToken
		case typeErrorInfo:
			e.info = d.Reason
		case typeQuotaFailure:
			for _, q := range d.Quotas {
				// Google promises no wording: what does not say that it is a device's
				// is taken for the project's.
				e.ofDevice = e.ofDevice || strings.Contains(strings.ToLower(q.Subject+" "+q.Description), "device")
			}
		}
	}
}

// named reports whether the answer to a message names it, as Google's does. What
// says yes without a name is the page of a proxy on the way, and the message never
// came to Google. Nearly every answer comes here, and parsing it would cost a
// hundredth of a send.
func named(body []byte) bool {
	body = bytes.TrimSpace(body)
	return bytes.HasPrefix(body, []byte("{")) && bytes.Contains(body, []byte(`"name"`))
}
