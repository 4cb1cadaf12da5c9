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

// ErrClosed is returned by requests on a closed lane.
var ErrClosed = errors.New("h2conn: closed")

// Config describes a lane.
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

// Lane is one connection at a time to one address. It begins with a single
// request and widens to 90 % of the peer's limit once one was answered with
// 200: a peer may judge a new connection by its first request. Requests beyond
// wait, until their context's end at the most.
type Lane struct {
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

// New returns a lane, which connects with its first request.
func New(cfg Config) *Lane {
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
	return &Lane{
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
func (l *Lane) Do(req *http.Request) (*Answer, error) {
	c, err := l.acquire(req.Context())
	if err != nil {
		return nil, err
	}
	a, err := l.exchange(c, req)
	l.release(c, a)
	return a, err
}

func (l *Lane) exchange(c *conn, req *http.Request) (*Answer, error) {
	resp, err := c.cc.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("h2conn: request to %s: %w", l.cfg.Addr, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, l.cfg.MaxAnswer))
	if err != nil {
		return nil, fmt.Errorf("h2conn: answer of %s: %w", l.cfg.Addr, err)
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// Close ends all connections; requests under way fail.
func (l *Lane) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.open {
		_ = c.cc.Close()
	}
	clear(l.open)
	l.wakeLocked()
}

// acquire returns a connection on which one request is reserved.
func (l *Lane) acquire(ctx context.Context) (*conn, error) {
	for {
		c, wait, err := l.try()
		switch {
		case err != nil:
			return nil, err
		case c != nil:
			return c, nil
		case wait == nil:
			if err := l.dial(ctx); err != nil {
				return nil, err
			}
			continue
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fmt.Errorf("h2conn: waiting for %s: %w", l.cfg.Addr, ctx.Err())
		}
	}
}

// try returns a connection, or what to wait for, or neither: the caller then
// holds the dialing flag and dials.
func (l *Lane) try() (*conn, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, ErrClosed
	}
	if c := l.current; c != nil {
		if c.inUse >= c.room() {
			return nil, l.changed, nil
		}
		if c.cc.Reserve() == nil {
			c.inUse++
			return c, nil, nil
		}
		// Closed, closing, or the peer's limit fell below what is in use.
		l.current = nil
		l.dropLocked(c)
	}
	if l.dialing {
		return nil, l.changed, nil
	}
	if time.Now().Before(l.failedTo) {
		return nil, nil, l.failed
	}
	l.dialing = true
	return nil, nil, nil
}

// dial opens the lane's connection and takes the dialing flag back.
func (l *Lane) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	cc, err := l.transport.NewClientConn(ctx, "https", l.cfg.Addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dialing = false
	l.wakeLocked()
	switch {
	case err != nil:
		err = fmt.Errorf("h2conn: connecting to %s: %w", l.cfg.Addr, err)
		l.failed, l.failedTo = err, time.Now().Add(dialPause)
		l.cfg.Log.Warn("no connection to a push service; its pushes wait", "error", err)
		return err
	case l.closed:
		_ = cc.Close()
		return ErrClosed
	}
	l.current = &conn{cc: cc}
	l.open[l.current] = struct{}{}
	return nil
}

// release gives a request's room back; a is nil if it had no answer.
func (l *Lane) release(c *conn, a *Answer) {
	leave := a != nil && l.cfg.Leaves != nil && l.cfg.Leaves(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	c.inUse--
	c.proven = c.proven || (a != nil && a.Status == http.StatusOK)
	if l.current == c && (leave || c.cc.Err() != nil) {
		l.current = nil
	}
	if l.current != c {
		l.dropLocked(c)
	}
	l.wakeLocked()
}

// dropLocked closes a connection that takes no more requests once its last one
// has ended.
func (l *Lane) dropLocked(c *conn) {
	if c.inUse > 0 {
		return
	}
	delete(l.open, c)
	_ = c.cc.Close()
}

func (l *Lane) wakeLocked() {
	close(l.changed)
	l.changed = make(chan struct{})
}
