package fcm

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"golang.org/x/net/http2"
	"google.golang.org/api/option"

	"github.com/hawser-edge/hawser/push"
)

const (
	// pingAfter and pingWait find a dead connection within 10 s.
	pingAfter = 5 * time.Second
	pingWait  = 5 * time.Second
	// maxToken bounds a registration token; Google's have under 200 bytes
	// today and no promised length.
	maxToken = 4096
)

// Client sends to the applications of one Firebase project. It implements
// push.Provider.
type Client struct {
	// Static after construction.
	log       *slog.Logger
	messaging *messaging.Client
	access    *accessTokens
	h2        *http2.Transport
}

var _ push.Provider = (*Client)(nil)

// New returns a client. It connects with the first message.
func New(cfg Config) (*Client, error) {
	acc, err := cfg.check()
	if err != nil {
		return nil, err
	}
	h2 := &http2.Transport{
		TLSClientConfig: &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
		ReadIdleTimeout: pingAfter,
		PingTimeout:     pingWait,
	}
	c := &Client{log: cfg.Log, access: newAccessTokens(acc.oauth, h2), h2: h2}
	opts := []option.ClientOption{option.WithHTTPClient(&http.Client{
		Transport:     &transport{base: h2, access: c.access},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})}
	if cfg.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(strings.TrimSuffix(cfg.Endpoint, "/")+"/v1"))
	}
	ctx := context.Background()
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: acc.project}, opts...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if c.messaging, err = app.Messaging(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return c, nil
}

// Close ends idle connections. Call it when no Send is under way.
func (c *Client) Close() { c.h2.CloseIdleConnections() }

// Send makes one attempt.
func (c *Client) Send(ctx context.Context, m push.Message) push.Result {
	if !validToken(m.Token) {
		return push.Result{Verdict: push.DropToken, Reason: "malformed token"}
	}
	msg, ok := compose(m, time.Now())
	if !ok {
		return push.Result{Verdict: push.Dead, Reason: "message too big"}
	}
	e, r := c.once(ctx, msg)
	if e.demand() != renewAccess {
		return r
	}
	// Refused for the access token, so surely not delivered.
	c.access.invalidate(e.access)
	_, r = c.once(ctx, msg)
	return r
}

// once makes one request.
func (c *Client) once(ctx context.Context, msg *messaging.Message) (*exchange, push.Result) {
	e := &exchange{}
	// The SDK's own reading of the answer is not used: e knows more. Its error
	// matters only if no request was made.
	_, err := c.messaging.Send(withExchange(ctx, e), msg)
	switch {
	case !e.tried && err != nil:
		c.log.Error("the Firebase SDK refused to send a message", "err", err)
		return e, push.Result{Verdict: push.Dead, Reason: "refused by the SDK"}
	case e.err != nil:
		return e, c.failure(ctx, e.err)
	default:
		return e, e.result()
	}
}

func validToken(token string) bool {
	if token == "" || len(token) > maxToken {
		return false
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return false
		}
	}
	return true
}
