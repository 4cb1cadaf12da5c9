// Package transport carries the byte stream of one device: TLS 1.3 over TCP,
// or the one bidirectional stream of a QUIC connection, behind one interface.
//
// On Linux an accepted TCP connection can be parked: it then costs no
// goroutine, and calls its [Handler] when something happens; see [Parker] and
// package park. Elsewhere, and with the build tag unparked, it is a plain Conn.
//
// It knows nothing of frames. It proves the other side's ALPN, bounds the time
// and the number of handshakes, and ends a connection in such a way that the
// last bytes written still arrive.
//
// # Ending a connection
//
// Whoever holds a [Conn] must call CloseWithCode once it is done with it, also
// after an error of Read or Write: that is what gives back its memory and, for
// a dialed QUIC connection, its socket.
//
// CloseWithCode first ends the local direction (close_notify and FIN on TCP, a
// FIN on the stream of QUIC), then reads and drops what the peer still sends
// until the peer ends its direction too, and only then closes. Without that, a
// TCP socket with unread bytes would answer with a reset, and a QUIC
// connection would be torn down before the peer has read the stream; either
// loses a Close frame written the moment before. The wait is bounded. On an
// accepted connection it happens in the background, on a dialed one inside
// CloseWithCode.
//
// # Ending a listener
//
// [Listener].Close refuses new connections, so that devices try elsewhere at
// once, and leaves the open ones alone. [Listener].Leave before it leaves the new
// ones to the other processes of a shared port.
// The UDP sockets that the connections of a QUIC listener share stay open
// until the last of them is closed, so the order is: Close the listener,
// CloseWithCode every connection, then Shutdown to wait. Closing the sockets
// earlier would cut the connections without a word to the devices.
package transport

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport/reuseport"
)

// Kind names a transport in metrics, logs and configuration.
type Kind string

// The kinds of transport.
const (
	TCP  Kind = "tcp"
	QUIC Kind = "quic"
	// Mem is the in-memory transport of package memtransport.
	Mem Kind = "mem"
)

// Conn is one device's ordered byte stream. One goroutine may read while
// another writes; Writes are serialized.
//
// Read returns io.EOF, or an error that CodeFromError understands, after the
// peer closed; an error that matches os.ErrDeadlineExceeded after the read
// deadline; and one that matches net.ErrClosed after CloseWithCode. After a
// failed Write, also one that failed on its deadline, the stream is unusable and
// only CloseWithCode is left.
type Conn interface {
	io.Reader
	io.Writer
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error

	// CloseWithCode ends the connection; see the package comment. Code and
	// reason travel in the application error of QUIC and are not sent on TCP:
	// a peer that must know them on every transport needs a Close frame. It
	// unblocks Read and Write and is idempotent. It may be called from any
	// goroutine.
	CloseWithCode(code uint16, reason string) error

	Kind() Kind
	// RemoteAddr is the peer's present address. It changes on QUIC when the
	// device moves to another network.
	RemoteAddr() netip.AddrPort
	// TLS is what was negotiated. It is empty on Mem.
	TLS() tls.ConnectionState
}

// Listener hands out connections whose handshake is complete and, on QUIC,
// whose device has opened its stream. What a device sent as early data, before
// the handshake's end, may be a replay of what somebody else recorded: it waits
// until the handshake has proved otherwise.
type Listener interface {
	// Accept waits for the next connection. It returns ctx's error when ctx
	// ends and one that matches net.ErrClosed after Close. Several goroutines
	// may call it.
	Accept(ctx context.Context) (Conn, error)
	Addr() netip.AddrPort
	Kind() Kind
	// Leave takes no new connections, and hands out those that have come:
	// where the port is shared nobody is refused by it. It returns when they
	// have been handed out, which is bounded, or ctx ends; on QUIC it is Close.
	// An error says that some may have been refused. Close has to follow.
	Leave(ctx context.Context) error
	// Close refuses new connections, ends handshakes under way and leaves
	// open connections alone. It is idempotent.
	Close() error
	// Shutdown calls Close and then waits until every connection is closed
	// and the listener's sockets are released. When ctx ends first it returns
	// ctx's error, and the connections of a QUIC listener are cut.
	Shutdown(ctx context.Context) error
}

// Defaults of ListenConfig.
const (
	DefaultHandshakeTimeout = 10 * time.Second
	DefaultMaxHandshakes    = 1024
	// DefaultIdleTimeout must exceed the longest time between two heartbeats,
	// 29 minutes, with their grace: on QUIC the shorter of both sides' values
	// ends a connection that is merely quiet.
	DefaultIdleTimeout = 32 * time.Minute
)

// CanShare reports whether processes can share a TCP port on this system.
const CanShare = reuseport.Supported

// ListenConfig describes a listener.
type ListenConfig struct {
	// Addr is host:port. Port 0 takes a free one.
	Addr string
	// Shared lets other processes of the same user listen for TCP at Addr, too,
	// if they all say so: the system spreads the connections over them. Where
	// CanShare is false it is an error. A QUIC port is never shared.
	Shared bool
	// Proxies are networks whose connections over TCP, and theirs alone, begin
	// with a header of the PROXY protocol, version 2, before TLS: it says whose
	// address the connection's is. Who comes from there without one is refused.
	Proxies []netip.Prefix
	// TLS holds the certificate, or GetCertificate. NextProtos is set by this
	// package and MinVersion raised to TLS 1.3. CurvePreferences may be
	// KeyExchanges.
	TLS *tls.Config
	// HandshakeTimeout bounds the time from a connection's first packet to its
	// being ready for Accept, and the time in which it must then be accepted.
	// Zero means DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration
	// MaxHandshakes bounds the handshakes under way. On QUIC those beyond it
	// are refused; on TCP they wait in the system's queue, and the oldest
	// handshake whose client has taken more than 2 s makes room for them. Zero
	// means
	// DefaultMaxHandshakes.
	MaxHandshakes int
	// Handshakers is how many handshakes compute at once, so that processors
	// are left for live connections. Zero means half of the processors. On
	// Linux they give way to whatever else becomes ready, and where the system
	// keeps them waiting, because others want the processors too, they pause for
	// some times as long. On TCP what they cannot begin waits in the system's
	// queue.
	Handshakers int
	// Sources bounds connections by their addresses. Those that are refused
	// are reset. Nil: no bounds. TCP and QUIC may share it.
	Sources *admission.Sources
	// MaxSockets bounds the connections of TCP, which cost a file descriptor
	// each: those beyond it are reset. Zero: only the system does.
	MaxSockets int
	// Room tells whether there is memory for one more connection; it must not
	// block. Nil: there is.
	Room func() bool
	// IdleTimeout ends a QUIC connection on which nothing was heard for this
	// long. It is a backstop behind the session's own deadline, which should
	// be shorter. Zero means DefaultIdleTimeout. TCP has none.
	IdleTimeout time.Duration
	// FleetKey is a secret of the fleet, from which the keys of TLS session
	// tickets and of QUIC are derived. With it, a device resumes at any edge
	// what it began at another one, and learns at once, instead of by a missed
	// heartbeat, that the edge at this address was started anew. Empty: keys of
	// this listener alone.
	FleetKey []byte
	// Node is this edge's name, unique among those with the FleetKey and the
	// same after a restart. QUIC's connection IDs carry a hash of it.
	Node string
	// Workers is on how many sockets QUIC listens, each with a reader of its
	// own; a connection stays with one of them from wherever its packets come.
	// Zero means one a processor that Go uses. Elsewhere than on Linux it is
	// always one.
	Workers int
	// OnRush is called while more connections wait in the system's queue than
	// there are processors for, and others have been there for a while, often. It
	// must not block. Nil ignores it. Only on Linux that is known.
	OnRush func()
	// Up tells those who ask with Probe whether devices of other edges are
	// well placed here. It must not block. Nil: they are.
	Up func() bool
	// Log receives rejections at debug level. Nil drops them.
	Log *slog.Logger
	// OnReject is called once for each connection that ended before Accept,
	// with one of the Reject reasons. It must not block. Nil ignores them.
	OnReject func(kind Kind, reason string)
	// OnHandshake is called with what was negotiated, once for each connection
	// that Accept has handed out. It must not block. Nil ignores it.
	OnHandshake func(kind Kind, state *tls.ConnectionState)
}

func (c ListenConfig) withDefaults() ListenConfig {
	if c.HandshakeTimeout <= 0 {
		c.HandshakeTimeout = DefaultHandshakeTimeout
	}
	if c.MaxHandshakes <= 0 {
		c.MaxHandshakes = DefaultMaxHandshakes
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = DefaultIdleTimeout
	}
	if c.Handshakers <= 0 {
		c.Handshakers = max(runtime.GOMAXPROCS(0)/2, 1)
	}
	if c.Room == nil {
		c.Room = func() bool { return true }
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	c.Workers = min(c.Workers, maxSockets)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Up == nil {
		c.Up = func() bool { return true }
	}
	if c.OnRush == nil {
		c.OnRush = func() {}
	}
	if c.OnReject == nil {
		c.OnReject = func(Kind, string) {}
	}
	if c.OnHandshake == nil {
		c.OnHandshake = func(Kind, *tls.ConnectionState) {}
	}
	return c
}
