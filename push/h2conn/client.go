package h2conn

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
)

const (
	// defaultPingAfter and defaultPingWait find a dead connection within 8 s:
	// with the wait before the next attempt and the attempt itself that is less
	// than the 12 s within which pushes must flow again.
	defaultPingAfter = 5 * time.Second
	defaultPingWait  = 3 * time.Second
	// dialTimeout bounds TCP and TLS together.
	dialTimeout = 5 * time.Second
	// dialPause is how long a failed dial answers for the next requests, so
	// that waiting ones do not dial one after the other.
	dialPause = time.Second
	// maxInFlight bounds one connection whatever the peer allows.
	maxInFlight = 900
	// defaultAnswer bounds an answer if the Config does not.
	defaultAnswer = 64 << 10
	// maxHeader bounds an answer's header: net/http by itself would take 10 MiB
	// of each of the requests under way.
	maxHeader = 64 << 10
)

// ErrClosed is returned by requests on a closed client.
var ErrClosed = errors.New("h2conn: closed")

// ErrStatus is wrapped by the errors of answers whose status is none of HTTP's.
// They are no answers: each number would be a reason of its own in metrics.
var ErrStatus = errors.New("h2conn: impossible status")

// Config describes a client.
type Config struct {
	// Addr is host:port.
	Addr string
	// TLS must name the server; the protocol is set here.
	TLS *tls.Config
	// MaxConns bounds the connections of the lane Main; Side has one. 0: 1.
	MaxConns int
	// MaxAnswer bounds the bytes read of an answer. 0: 64 KiB.
	MaxAnswer int64
	// PingAfter is how long a silent connection goes without a ping, PingWait
	// how long the answer may take. 0: 5 s and 3 s.
	PingAfter, PingWait time.Duration
	// Credential returns what requests authenticate with now: their header
	// Authorization. A connection changes it no sooner than CredentialEvery after
	// the last time; where it would have to, it is left for a new one. Nil: the
	// requests have the header already.
	Credential      func() (string, error)
	CredentialEvery time.Duration
	// Leaves reports that the peer wants no more requests on the connection
	// that gave this answer. Nil: never.
	Leaves func(*Answer) bool
	// Log is required.
	Log *slog.Logger
}

// Client keeps few connections to one address. A connection begins with a
// single request and widens to 90 % of the peer's limit once one was answered
// with 200: a peer may judge a new connection by its first request. Another one
// is opened only where those that are there are full. Requests beyond wait in
// the order in which they came, until their context's end at the most.
type Client struct {
	// Static after construction.
	cfg       Config
	transport *http.Transport
	ctx       context.Context // of dials
	cancel    context.CancelFunc

	work sync.WaitGroup // dials, and connections that are being closed

	// Guarded by mu.
	mu     sync.Mutex
	lanes  [lanes]lane
	open   map[*conn]struct{} // those that are left too, until they carry nothing
	closed bool
}

// New returns a client, which connects with its first request.
func New(cfg Config) *Client {
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = 1
	}
	if cfg.MaxAnswer <= 0 {
		cfg.MaxAnswer = defaultAnswer
	}
	if cfg.PingAfter <= 0 {
		cfg.PingAfter = defaultPingAfter
	}
	if cfg.PingWait <= 0 {
		cfg.PingWait = defaultPingWait
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	cl := &Client{
		cfg: cfg,
		transport: &http.Transport{
			DialContext:         (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig:     cfg.TLS.Clone(),
			TLSHandshakeTimeout: dialTimeout,
			Protocols:           protocols,
			HTTP2:               &http.HTTP2Config{SendPingTimeout: cfg.PingAfter, PingTimeout: cfg.PingWait},
			DisableCompression:  true,

			MaxResponseHeaderBytes: maxHeader,
		},
		open: map[*conn]struct{}{},
	}
	cl.ctx, cl.cancel = context.WithCancel(context.Background())
	cl.lanes[Main].most, cl.lanes[Side].most = cfg.MaxConns, 1
	return cl
}

// Do makes one request and reads its answer. After an error it is not known
// whether the peer took the request. Where there is a Credential it is set in
// req.
func (cl *Client) Do(req *http.Request, l Lane) (*Answer, error) {
	c, err := cl.acquire(req.Context(), l)
	for err == nil && cl.cfg.Credential != nil {
		var ok bool
		if ok, err = cl.authorize(c, req); ok {
			break
		}
		if err == nil {
			c, err = cl.acquire(req.Context(), l)
		}
	}
	if err != nil {
		return nil, err
	}
	a, err := cl.exchange(c, req)
	cl.release(c, a, errors.Is(err, context.DeadlineExceeded))
	return a, err
}

func (cl *Client) exchange(c *conn, req *http.Request) (*Answer, error) {
	resp, err := c.cc.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("h2conn: request to %s: %w", cl.cfg.Addr, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 599 {
		return nil, fmt.Errorf("%w: %d of %s", ErrStatus, resp.StatusCode, cl.cfg.Addr)
	}
	body, err := readBody(resp, cl.cfg.MaxAnswer)
	if err != nil {
		return nil, fmt.Errorf("h2conn: answer of %s: %w", cl.cfg.Addr, err)
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// Connections returns how many connections are open.
func (cl *Client) Connections() int {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return len(cl.open)
}

// Close ends all connections; requests under way fail.
func (cl *Client) Close() {
	cl.mu.Lock()
	cl.closed = true
	for c := range cl.open {
		cl.work.Go(func() { _ = c.cc.Close() })
	}
	clear(cl.open)
	for l := range cl.lanes {
		cl.lanes[l].conns = nil
		cl.lanes[l].fail(ErrClosed)
	}
	cl.mu.Unlock()
	cl.cancel()
	cl.work.Wait()
}
