package fcm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/hawser-edge/hawser/push"
)

const (
	// renewEarly: another token is asked for this long before one expires. It is
	// used until useUntil before its end, for as long as no other one comes.
	renewEarly = time.Minute
	useUntil   = 5 * time.Second
	// fetchTimeout bounds one request to the token endpoint, earlyTimeout one that
	// is not urgent yet: a message waits for it that could go.
	fetchTimeout = 10 * time.Second
	earlyTimeout = 3 * time.Second
	// fetchPause is how long a failure answers for the next messages, so that
	// waiting ones do not ask one after the other; earlyPause where it is not
	// urgent yet.
	fetchPause = time.Second
	earlyPause = 5 * time.Second
	// maxTokenHeader bounds the header of the token endpoint's answer.
	maxTokenHeader = 64 << 10
)

// errAccess is wrapped by failures to get an access token.
var errAccess = errors.New("fcm: access token")

// accessTokens keeps one access token and replaces it before it expires or
// when Google refused it. One request at a time asks for a new one; those that
// find one do not wait for it, and a token endpoint that is away for less than a
// minute is noticed by the log alone.
type accessTokens struct {
	push.Opaque

	// Static after construction.
	conf *jwt.Config
	log  *slog.Logger
	base *http.Transport // for the token endpoint, seldom used

	token atomic.Pointer[oauth2.Token] // nil: none; replaced by whoever holds turn

	// Owned by whoever holds the only value of turn.
	turn     chan struct{} // capacity 1
	failed   error
	failedTo time.Time
}

func newAccessTokens(conf *jwt.Config, tlsConfig *tls.Config, log *slog.Logger) *accessTokens {
	base := &http.Transport{
		TLSClientConfig: tlsConfig.Clone(), IdleConnTimeout: time.Second, Proxy: http.ProxyFromEnvironment,
		MaxResponseHeaderBytes: maxTokenHeader,
	}
	a := &accessTokens{conf: conf, log: log, base: base, turn: make(chan struct{}, 1)}
	a.turn <- struct{}{}
	return a
}

// get returns a token that is good for a while.
func (a *accessTokens) get(ctx context.Context) (string, error) {
	t := a.token.Load()
	switch {
	case lasts(t, renewEarly):
		return t.AccessToken, nil
	case lasts(t, useUntil):
		select {
		case <-a.turn:
		default:
			return t.AccessToken, nil // somebody asks for another one
		}
	default:
		select {
		case <-a.turn:
		case <-ctx.Done():
			return "", fmt.Errorf("%w: %w", errAccess, ctx.Err())
		}
	}
	defer func() { a.turn <- struct{}{} }()
	return a.renew(ctx)
}

// renew asks for another token if that did not happen meanwhile. It is called by
// whoever holds turn.
func (a *accessTokens) renew(ctx context.Context) (string, error) {
	t := a.token.Load()
	if lasts(t, renewEarly) {
		return t.AccessToken, nil
	}
	early := lasts(t, useUntil)
	if !time.Now().Before(a.failedTo) {
		timeout, pause := fetchTimeout, fetchPause
		if early {
			timeout, pause = earlyTimeout, earlyPause
		}
		token, err := a.fetch(ctx, timeout)
		if err == nil {
			a.token.Store(token)
			return token.AccessToken, nil
		}
		a.report(err)
		a.failed, a.failedTo = fmt.Errorf("%w: %w", errAccess, err), time.Now().Add(pause)
	}
	if early {
		return t.AccessToken, nil
	}
	return "", a.failed
}

// lasts reports whether a token is good for that long. One without an end is.
func lasts(t *oauth2.Token, d time.Duration) bool {
	return t != nil && (t.Expiry.IsZero() || time.Until(t.Expiry) > d)
}

// invalidate forgets the token if it still is the one in use. It waits for
// nobody who asks for another one: that one is not forgotten.
func (a *accessTokens) invalidate(token string) {
	if t := a.token.Load(); t != nil && t.AccessToken == token {
		a.token.CompareAndSwap(t, nil)
	}
}

// report logs why there is no access token: once a request, not once a message.
func (a *accessTokens) report(err error) {
	if answer, ok := refusal(err); ok {
		a.log.Error("Google refuses the service account; check that it exists, is enabled and that the clock is right",
			"status", answer)
		return
	}
	a.log.Warn("no access token from Google; its pushes wait once the last one has expired", "error", err)
}

// refusal returns the status of an answer that refuses our credentials, unlike
// one that tells of trouble.
func refusal(err error) (status int, ok bool) {
	var e *oauth2.RetrieveError
	if !errors.As(err, &e) || e.Response == nil {
		return 0, false
	}
	status = e.Response.StatusCode
	return status, status >= 400 && status < 500 && status != http.StatusTooManyRequests
}

func (a *accessTokens) close() { a.base.CloseIdleConnections() }

func (a *accessTokens) fetch(ctx context.Context, timeout time.Duration) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// The library posts without a context; the transport adds it. What it posts
	// is as good as the access token: it goes nowhere but to this endpoint.
	hc := &http.Client{
		Transport:     bounded{ctx, a.base},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t, err := a.conf.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, hc)).Token()
	var answer *oauth2.RetrieveError
	switch {
	case errors.As(err, &answer):
		return nil, noToken{answer}
	case err != nil:
		return nil, err
	case t.AccessToken == "":
		return nil, errNoToken
	}
	return t, nil
}

// errNoToken is of an answer that says it has a token and has none.
var errNoToken = errors.New("the token endpoint's answer holds no token")

// noToken is an answer of the token endpoint that refuses one. Its text leaves out
// the body, which has any length, and of some proxies holds what was posted.
type noToken struct{ *oauth2.RetrieveError }

// Error names the status alone.
func (e noToken) Error() string {
	return fmt.Sprintf("the token endpoint answered with status %d", e.Response.StatusCode)
}

// Unwrap returns the library's error.
func (e noToken) Unwrap() error { return e.RetrieveError }

// bounded sends requests under a context.
type bounded struct {
	ctx  context.Context
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	return b.base.RoundTrip(req.WithContext(b.ctx))
}
