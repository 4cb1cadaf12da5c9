package fcm

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"

	"github.com/hawser-edge/hawser/gateway/reminder"
	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/h2conn"
)

const (
	defaultEndpoint = "https://fcm.googleapis.com"
	// maxToken bounds a registration token; Google's have under 200 bytes
	// today and no promised length.
	maxToken = 4096
	// maxConns connections of 90 requests each carry a thousand: Google allows
	// 100 on each.
	maxConns = 12
)

// Client sends to the applications of one Firebase project. It implements
// push.Provider.
type Client struct {
	push.Opaque

	// Static after construction.
	log       *slog.Logger
	project   string
	messaging *messaging.Client
	access    *accessTokens
	h2        *h2conn.Client
	devices   *limits

	// foreign is of the log about devices that are none of Android's.
	foreign reminder.Reminder
}

var _ push.Limited = (*Client)(nil)

// New returns a client. It connects with the first message.
func New(cfg Config) (*Client, error) {
	acc, err := cfg.check()
	if err != nil {
		return nil, err
	}
	tlsConfig := &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12}
	c := &Client{
		log:     cfg.Log,
		project: acc.project,
		access:  newAccessTokens(acc.oauth, tlsConfig, cfg.Log),
		devices: newLimits(cfg),
		h2:      h2conn.New(h2conn.Config{Addr: hostPort(acc.endpoint), MaxConns: maxConns, TLS: tlsConfig, Log: cfg.Log}),
	}
	opts := []option.ClientOption{
		option.WithEndpoint(acc.endpoint.String() + "/v1"),
		option.WithHTTPClient(&http.Client{Transport: &transport{h2: c.h2, access: c.access}}),
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

// Close ends the connections. Messages under way fail.
func (c *Client) Close() {
	c.h2.Close()
	c.access.close()
}

func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return u.Host + ":443"
	}
	return u.Host
}

// Send makes one attempt.
func (c *Client) Send(ctx context.Context, m push.Message) push.Result {
	if !validToken(m.Token) {
		return push.Result{Verdict: push.SuspectToken, Reason: "malformed token"}
	}
	now := time.Now()
	msg, ok := compose(m, now)
	if !ok {
		return push.Result{Verdict: push.Dead, Reason: "message too big"}
	}
	throttled := m.Collapse != "" && *msg.Android.TTL > 0
	left, leftThrottled := c.devices.wait(m.Token, now)
	switch {
	case !throttled:
	case m.Urgency == push.High && left < leftThrottled:
		// It cannot wait for minutes. What shows nothing is not held back without
		// the key. What shows something is replaceable for Google in any case: it
		// goes, and keeps the key, for one more would be a fifth.
		if throttled = false; msg.Notification == nil {
			msg.Android.CollapseKey = ""
		}
	default:
		left = leftThrottled
	}
	if left > 0 {
		return push.Result{Verdict: push.RetryAfter, Reason: reasonDevice, After: left}
	}
	e, r := c.renewing(ctx, msg, false)
	switch e.demand() {
	case none:
		c.devices.sent(m.Token, throttled, time.Now())
	case suspectToken:
		return c.confirm(ctx, m.Token, r)
	case foreignPlatform:
		if c.foreign.Due(time.Now()) {
			c.log.Error("Google cannot reach devices of a project that are iPhones or browsers; their pushes wait, those of others go",
				"project", c.project, "reason", r.Reason, "advice", c.Explain(r).Advice())
		}
	}
	return r
}

// confirm finds out whether an argument that Google calls invalid is the token:
// then it is so without the rest of the message, too.
func (c *Client) confirm(ctx context.Context, token string, first push.Result) push.Result {
	e, r := c.renewing(ctx, &messaging.Message{Token: token}, true)
	switch d := e.demand(); {
	case d == none:
		return push.Result{Verdict: push.Dead, Reason: first.Reason}
	case d == suspectToken, e.badRequest:
		return first
	default:
		return r
	}
}

// renewing makes one request, and one more if the access token was refused:
// the first was surely not delivered then. A dry one is validated, not sent.
func (c *Client) renewing(ctx context.Context, msg *messaging.Message, dry bool) (*exchange, push.Result) {
	e, r := c.once(ctx, msg, dry)
	if e.demand() != renewAccess {
		return e, r
	}
	c.access.invalidate(e.access)
	return c.once(ctx, msg, dry)
}

// once makes one request.
func (c *Client) once(ctx context.Context, msg *messaging.Message, dry bool) (*exchange, push.Result) {
	e := &exchange{}
	send := c.messaging.Send
	if dry {
		send = c.messaging.SendDryRun
	}
	// The SDK's own reading of the answer is not used: e knows more. Its error
	// matters only if no request was made.
	_, err := send(withExchange(ctx, e), msg)
	switch {
	case !e.tried && err != nil:
		c.log.Error("the Firebase SDK refused to send a message", "error", err)
		return e, push.Result{Verdict: push.Dead, Reason: "refused by the SDK"}
	case e.err != nil:
		return e, failure(ctx, e.err)
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
