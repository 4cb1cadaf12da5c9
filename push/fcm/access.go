package fcm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/hawser-edge/hawser/push"
)

const (
	// renewEarly: a token is replaced this long before it expires.
	renewEarly = time.Minute
	// fetchTimeout bounds one request to the token endpoint.
	fetchTimeout = 10 * time.Second
	// fetchPause is how long a failure answers for the next messages, so that
	// waiting ones do not ask one after the other.
	fetchPause = time.Second
)

// errAccess is wrapped by failures to get an access token.
var errAccess = errors.New("fcm: access token")

// accessTokens keeps one access token and replaces it before it expires or
// when Google refused it. One request at a time asks for a new one.
type accessTokens struct {
	push.Opaque

	// Static after construction.
	conf *jwt.Config
	log  *slog.Logger
	base *http.Transport // for the token endpoint, seldom used

	// Owned by whoever holds the only value of turn.
	turn     chan struct{} // capacity 1
	token    *oauth2.Token
	failed   error
	failedTo time.Time
}

func newAccessTokens(conf *jwt.Config, tlsConfig *tls.Config, log *slog.Logger) *accessTokens {
	base := &http.Transport{TLSClientConfig: tlsConfig.Clone(), IdleConnTimeout: time.Second, Proxy: http.ProxyFromEnvironment}
	a := &accessTokens{conf: conf, log: log, base: base, turn: make(chan struct{}, 1)}
	a.turn <- struct{}{}
	return a
}

// get returns a token that is good for a while.
func (a *accessTokens) get(ctx context.Context) (string, error) {
	select {
	case <-a.turn:
	case <-ctx.Done():
		return "", fmt.Errorf("%w: %w", errAccess, ctx.Err())
	}
	defer func() { a.turn <- struct{}{} }()
	if a.token != nil && (a.token.Expiry.IsZero() || time.Until(a.token.Expiry) > renewEarly) {
		return a.token.AccessToken, nil
	}
	if time.Now().Before(a.failedTo) {
		return "", a.failed
	}
	token, err := a.fetch(ctx)
	if err != nil {
		a.report(err)
		a.token, a.failed, a.failedTo = nil, fmt.Errorf("%w: %w", errAccess, err), time.Now().Add(fetchPause)
		return "", a.failed
	}
	a.token = token
	return token.AccessToken, nil
}

// invalidate forgets the token if it still is the one in use.
func (a *accessTokens) invalidate(token string) {
	<-a.turn
	defer func() { a.turn <- struct{}{} }()
	if a.token != nil && a.token.AccessToken == token {
		a.token = nil
	}
}

// report logs why there is no access token: once a request, not once a message.
func (a *accessTokens) report(err error) {
	if answer, ok := refusal(err); ok {
		a.log.Error("Google refuses the service account; check that it exists, is enabled and that the clock is right",
			"status", answer)
		return
	}
	a.log.Warn("no access token from Google; its pushes wait", "error", err)
}

// refusal returns the status of an answer that refuses our credentials, unlike
// one that tells of trouble.
func refusal(err error) (status int, ok bool) {
	var e *oauth2.RetrieveError
	if !errors.As(err, &e) || e.Response == nil {
		return 0, false
	}
	status = e.Response.StatusCode
	return status, status < http.StatusInternalServerError && status != http.StatusTooManyRequests
}

func (a *accessTokens) close() { a.base.CloseIdleConnections() }

func (a *accessTokens) fetch(ctx context.Context) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	// The library posts without a context; the transport adds it.
	hc := &http.Client{Transport: bounded{ctx, a.base}}
	return a.conf.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, hc)).Token()
}

// bounded sends requests under a context.
type bounded struct {
	ctx  context.Context
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	return b.base.RoundTrip(req.WithContext(b.ctx))
}
