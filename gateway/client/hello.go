package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

const (
	// tokenTimeout bounds a call of the application's Token.
	tokenTimeout = 30 * time.Second
	// helloTimeout bounds Hello and Welcome.
	helloTimeout = 15 * time.Second
)

// connect dials, says Hello and waits for Welcome. It does not try the token
// that the edge has refused. Its error holds an ending.
func (c *Client) connect(ctx context.Context, refused string) (*link, error) {
	token, err := c.token(ctx)
	if err != nil {
		return nil, &endError{reset(err)}
	}
	if token != "" && token == refused {
		return nil, &endError{reset(errSameToken)}
	}
	conn, err := c.dialer.connect(ctx)
	if err != nil {
		return nil, &endError{reset(err)}
	}
	l, err := c.greet(ctx, conn, c.hello(token))
	if err != nil {
		_ = conn.CloseWithCode(0, "")
		e := endOf(err)
		e.token = token
		c.slot.take(e)
		if ctx.Err() == nil && e.how == wirepb.LastConnection_END_TIMEOUT && conn.Kind() == transport.QUIC {
			c.dialer.quicFailed()
		}
		return nil, &endError{e}
	}
	return l, nil
}

// errSameToken: the edge has refused this very token.
var errSameToken = errors.New("client: Token returned the token that the edge has refused")

func (c *Client) token(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	token, err := c.cfg.Token(ctx)
	if err != nil {
		return "", fmt.Errorf("client: get a token from the application: %w", err)
	}
	return token, nil
}

// greet says Hello on a new connection.
func (c *Client) greet(ctx context.Context, conn transport.Conn, hello *wirepb.Hello) (*link, error) {
	// The connection ends early with the context.
	past := time.Unix(1, 0)
	stop := context.AfterFunc(ctx, func() {
		_ = conn.SetReadDeadline(past)
		_ = conn.SetWriteDeadline(past)
	})
	defer stop()
	deadline := time.Now().Add(helloTimeout)
	if err := errors.Join(conn.SetReadDeadline(deadline), conn.SetWriteDeadline(deadline)); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	frame := wire.Append(nil, &wire.Hello{Body: hello})
	if len(frame) > wire.MaxHelloPayload {
		return nil, fmt.Errorf("client: Hello has %d bytes, an edge takes %d: the token or the push token is too long", len(frame), wire.MaxHelloPayload)
	}
	if _, err := conn.Write(frame); err != nil {
		return nil, late(err)
	}
	reader := wire.NewReader(conn, wire.MaxPayload)
	welcome, err := readWelcome(reader)
	if err != nil {
		return nil, late(err)
	}
	if !stop() {
		return nil, ctx.Err()
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.ticket = welcome.ResumeTicket
	c.mu.Unlock()
	c.slot.drop()
	return newLink(c, conn, reader, welcome, hello), nil
}

// late makes a passed deadline an ending.
func late(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &endError{timedOut(errNoAnswer)}
	}
	return err
}

// readWelcome skips frames of unknown types, in bounded number.
func readWelcome(r *wire.Reader) (*wirepb.Welcome, error) {
	for range 16 {
		f, err := r.Next()
		if err != nil {
			return nil, err
		}
		switch f := f.(type) {
		case *wire.Welcome:
			return f.Body, nil
		case *wire.Close:
			e := told(f.Code, f.Reason)
			e.back = f.ComeBack
			return nil, &endError{e}
		case *wire.Unknown:
		default:
			return nil, fmt.Errorf("%w: %s before Welcome", errProtocol, f.Type())
		}
	}
	return nil, fmt.Errorf("%w: no Welcome", errProtocol)
}

func (c *Client) hello(token string) *wirepb.Hello {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &wirepb.Hello{
		Token:        token,
		Platform:     c.cfg.Platform,
		App:          c.cfg.App,
		AppVersion:   c.cfg.AppVersion,
		Network:      c.network,
		PushToken:    c.pushToken,
		Versions:     c.helloVersions(),
		Last:         c.last.body(),
		ResumeTicket: c.ticket,
		Background:   c.background,
		Asleep:       c.asleep,
		Slot:         c.slot.bytes(),
	}
}

// helloVersions leaves out what the frame has no room for; the edge then
// tells the heads of those kinds.
func (c *Client) helloVersions() []*wirepb.KindVersion {
	all := c.versions.all()
	kinds := slices.Sorted(maps.Keys(all))
	kinds = kinds[:min(len(kinds), wire.MaxKinds)]
	out := make([]*wirepb.KindVersion, 0, len(kinds))
	for _, kind := range kinds {
		if all[kind] > 0 {
			out = append(out, &wirepb.KindVersion{Kind: kind, Version: all[kind]})
		}
	}
	return out
}
