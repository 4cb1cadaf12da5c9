package apns

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	// pingAfter and pingWait find a dead connection within 10 s.
	pingAfter = 5 * time.Second
	pingWait  = 5 * time.Second
	// dialTimeout bounds TCP and TLS together.
	dialTimeout = 10 * time.Second
	// dialPause is how long a failed dial answers for the next requests, so
	// that waiting ones do not dial one after the other.
	dialPause = time.Second
	// maxInFlight bounds one connection whatever the peer allows.
	maxInFlight = 900
)

var errClosed = errors.New("apns: closed")

// lane is one connection at a time to one address. It begins with a single
// request and widens to 90 % of the peer's limit once one was accepted.
// Requests beyond wait for their context's end at the most.
type lane struct {
	// Static after construction.
	addr string
	tls  *tls.Config
	h2   *http2.Transport
	log  *slog.Logger

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

// conn is a connection. Its fields are guarded by the lane's mu.
type conn struct {
	cc       *http2.ClientConn
	accepted bool // Apple took at least one message
	inUse    int
}

func newLane(addr string, tlsConfig *tls.Config, log *slog.Logger) *lane {
	return &lane{
		addr:    addr,
		tls:     tlsConfig,
		h2:      &http2.Transport{ReadIdleTimeout: pingAfter, PingTimeout: pingWait},
		log:     log,
		changed: make(chan struct{}),
		open:    map[*conn]struct{}{},
	}
}

// acquire returns a connection with room for one request; release it.
func (l *lane) acquire(ctx context.Context) (*conn, error) {
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
			return nil, fmt.Errorf("apns: waiting for a free stream: %w", ctx.Err())
		}
	}
}

// try returns a connection, or what to wait for, or neither: the caller then
// dials.
func (l *lane) try() (*conn, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, errClosed
	}
	if c := l.current; c != nil {
		st := c.cc.State()
		if !st.Closed && !st.Closing {
			if c.inUse < c.room(st) {
				c.inUse++
				return c, nil, nil
			}
			return nil, l.changed, nil
		}
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

// room is how many requests the connection may carry now.
func (c *conn) room(st http2.ClientConnState) int {
	if !c.accepted {
		return 1
	}
	return max(1, min(maxInFlight, int(st.MaxConcurrentStreams)*9/10))
}

// release gives the room back. accepted tells that Apple took the message,
// leave that it wants the connection to end.
func (l *lane) release(c *conn, accepted, leave bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.inUse--
	c.accepted = c.accepted || accepted
	if leave && l.current == c {
		l.current = nil
	}
	if l.current != c {
		l.dropLocked(c)
	}
	l.wakeLocked()
}

// dropLocked closes a connection that takes no more requests once its last one
// has ended.
func (l *lane) dropLocked(c *conn) {
	if c.inUse > 0 {
		return
	}
	delete(l.open, c)
	_ = c.cc.Close()
}

func (l *lane) wakeLocked() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// dial opens the lane's connection. The caller holds the dialing flag.
func (l *lane) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	cc, err := l.connect(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dialing = false
	l.wakeLocked()
	switch {
	case err != nil:
		l.failed, l.failedTo = err, time.Now().Add(dialPause)
		l.log.Warn("no connection to the push service; its pushes wait", "err", err)
		return err
	case l.closed:
		_ = cc.Close()
		return errClosed
	}
	l.current = &conn{cc: cc}
	l.open[l.current] = struct{}{}
	return nil
}

func (l *lane) connect(ctx context.Context) (*http2.ClientConn, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{KeepAlive: 15 * time.Second}, Config: l.tls}
	nc, err := d.DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return nil, fmt.Errorf("apns: connecting to %s: %w", l.addr, err)
	}
	if p := nc.(*tls.Conn).ConnectionState().NegotiatedProtocol; p != http2.NextProtoTLS {
		_ = nc.Close()
		return nil, fmt.Errorf("apns: %s does not speak HTTP/2; look for a proxy in between", l.addr)
	}
	cc, err := l.h2.NewClientConn(nc)
	if err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("apns: connecting to %s: %w", l.addr, err)
	}
	return cc, nil
}

// close ends all connections; requests under way fail.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.open {
		_ = c.cc.Close()
	}
	clear(l.open)
	l.wakeLocked()
}

var _ http.RoundTripper = transport{}
