package h2conn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// defaultPing, twice, finds a dead connection within 10 s.
	defaultPing = 5 * time.Second
	// dialTimeout bounds TCP and TLS together.
	dialTimeout = 10 * time.Second
	// dialPause is how long a failed dial answers for the next requests, so
	// that waiting ones do not dial one after the other.
	dialPause = time.Second
	// maxInFlight bounds one connection whatever the peer allows.
	maxInFlight = 900
	// defaultAnswer bounds an answer if the Config does not.
	defaultAnswer = 64 << 10
)

// ErrClosed is returned by requests on a closed client.
var ErrClosed = errors.New("h2conn: closed")

// Config describes a client.
type Config struct {
	// Addr is host:port.
	Addr string
	// TLS must name the server; the protocol is set here.
	TLS *tls.Config
	// MaxAnswer bounds the bytes read of an answer. 0: 64 KiB.
	MaxAnswer int64
	// PingAfter is how long a silent connection goes without a ping, PingWait
	// how long the answer may take. 0: 5 s each.
	PingAfter, PingWait time.Duration
	// Leaves reports that the peer wants no more requests on the connection
	// that gave this answer. Nil: never.
	Leaves func(*Answer) bool
	// Log is required.
	Log *slog.Logger
}

// Client is one connection at a time to one address. It begins with a single
// request and widens to 90 % of the peer's limit once one was answered with
// 200: a peer may judge a new connection by its first request. Requests beyond
// wait, until their context's end at the most.
type Client struct {
	// Static after construction.
	cfg       Config
	transport *http.Transport

	// Guarded by mu.
	mu       sync.Mutex
	current  *conn
	dialing  bool
	failed   error // of the last dial, valid until failedTo
	failedTo time.Time
	changed  chan struct{} // closed and replaced when a waiter may go on
	closed   bool
	open     map[*conn]struct{}
}

// New returns a client, which connects with its first request.
func New(cfg Config) *Client {
	if cfg.MaxAnswer <= 0 {
		cfg.MaxAnswer = defaultAnswer
	}
	if cfg.PingAfter <= 0 {
		cfg.PingAfter = defaultPing
	}
	if cfg.PingWait <= 0 {
		cfg.PingWait = defaultPing
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	return &Client{
		cfg: cfg,
		transport: &http.Transport{
			DialContext:         (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig:     cfg.TLS.Clone(),
			TLSHandshakeTimeout: dialTimeout,
			Protocols:           protocols,
			HTTP2:               &http.HTTP2Config{SendPingTimeout: cfg.PingAfter, PingTimeout: cfg.PingWait},
			DisableCompression:  true,
		},
		changed: make(chan struct{}),
		open:    map[*conn]struct{}{},
	}
}

// Do makes one request and reads its answer. After an error it is not known
// whether the peer took the request.
func (cl *Client) Do(req *http.Request) (*Answer, error) {
	c, err := cl.acquire(req.Context())
	if err != nil {
		return nil, err
	}
	a, err := cl.exchange(c, req)
	cl.release(c, a)
	return a, err
}

func (cl *Client) exchange(c *conn, req *http.Request) (*Answer, error) {
	resp, err := c.cc.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("h2conn: request to %s: %w", cl.cfg.Addr, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, cl.cfg.MaxAnswer))
	if err != nil {
		return nil, fmt.Errorf("h2conn: answer of %s: %w", cl.cfg.Addr, err)
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// Close ends all connections; requests under way fail.
func (cl *Client) Close() {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.closed = true
	for c := range cl.open {
		_ = c.cc.Close()
	}
	clear(cl.open)
	cl.wakeLocked()
}

// acquire returns a connection on which one request is reserved.
func (cl *Client) acquire(ctx context.Context) (*conn, error) {
	for {
		c, wait, err := cl.try()
		switch {
		case err != nil:
			return nil, err
		case c != nil:
			return c, nil
		case wait == nil:
			if err := cl.dial(ctx); err != nil {
				return nil, err
			}
			continue
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fmt.Errorf("h2conn: waiting for %s: %w", cl.cfg.Addr, ctx.Err())
		}
	}
}

// try returns a connection, or what to wait for, or neither: the caller then
// holds the dialing flag and dials.
func (cl *Client) try() (*conn, <-chan struct{}, error) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.closed {
		return nil, nil, ErrClosed
	}
	if c := cl.current; c != nil {
		if c.inUse >= c.room() {
			return nil, cl.changed, nil
		}
		if c.cc.Reserve() == nil {
			c.inUse++
			return c, nil, nil
		}
		// Closed, closing, or the peer's limit fell below what is in use.
		cl.current = nil
		cl.dropLocked(c)
	}
	if cl.dialing {
		return nil, cl.changed, nil
	}
	if time.Now().Before(cl.failedTo) {
		return nil, nil, cl.failed
	}
	cl.dialing = true
	return nil, nil, nil
}

// dial opens the client's connection and takes the dialing flag back.
func (cl *Client) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	cc, err := cl.transport.NewClientConn(ctx, "https", cl.cfg.Addr)
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.dialing = false
	cl.wakeLocked()
	switch {
	case err != nil:
		err = fmt.Errorf("h2conn: connecting to %s: %w", cl.cfg.Addr, err)
		cl.failed, cl.failedTo = err, time.Now().Add(dialPause)
		cl.cfg.Log.Warn("no connection to a push service; its pushes wait", "error", err)
		return err
	case cl.closed:
		_ = cc.Close()
		return ErrClosed
	}
	cl.current = &conn{cc: cc}
	cl.open[cl.current] = struct{}{}
	return nil
}

// release gives a request's room back; a is nil if it had no answer.
func (cl *Client) release(c *conn, a *Answer) {
	leave := a != nil && cl.cfg.Leaves != nil && cl.cfg.Leaves(a)
	cl.mu.Lock()
	defer cl.mu.Unlock()
	c.inUse--
	c.proven = c.proven || (a != nil && a.Status == http.StatusOK)
	if cl.current == c && (leave || c.cc.Err() != nil) {
		cl.current = nil
	}
	if cl.current != c {
		cl.dropLocked(c)
	}
	cl.wakeLocked()
}

// dropLocked closes a connection that takes no more requests once its last one
// has ended.
func (cl *Client) dropLocked(c *conn) {
	if c.inUse > 0 {
		return
	}
	delete(cl.open, c)
	_ = c.cc.Close()
}

func (cl *Client) wakeLocked() {
	close(cl.changed)
	cl.changed = make(chan struct{})
}
