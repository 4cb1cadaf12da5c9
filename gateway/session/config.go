package session

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a Server needs. The first four are required.
type Config struct {
	Verifier Verifier
	Registry Registry
	Relay    Relay
	Kinds    Kinds

	// Edge is this edge's name, told to devices in Welcome for support. Empty:
	// not told.
	Edge string
	// Heartbeat hands out the intervals. Nil: heartbeat.Table, the cold start.
	Heartbeat heartbeat.Engine
	// HeartbeatScale is how many times as fast heartbeats' time passes here, the
	// engine's and that of the deadlines alike. 0: 1.
	HeartbeatScale int
	// TicketKey authenticates resume tickets, 32 bytes or more, the same on
	// all edges. Nil: a random key, so that tickets of other edges and of
	// earlier runs are ignored, which only matters to devices that meet two
	// edges whose clocks disagree.
	TicketKey []byte
	// ReconnectSpread is told in Welcome: how long devices spread their first
	// attempt if this edge vanishes. 0: 30 s.
	ReconnectSpread time.Duration
	Limits          Limits
	// Clock is the wall clock. Nil: the host's, taken for right.
	Clock Clock
	// Admission paces those who come. Nil: it lets everybody in.
	Admission *admission.Gate
	// Full tells whether there is no room for one more session over a kind of
	// transport; it must not block. Nil: Limits.MaxConns alone says.
	Full func(transport.Kind) bool
	// Log receives one line a session at debug level, and faults. Nil
	// discards.
	Log *slog.Logger
	// Registerer receives the metrics. Nil: they are kept and not shown.
	Registerer prometheus.Registerer
}

// Limits bound what one device, and all of them, can take. Zero fields get
// the default that is named with each.
type Limits struct {
	// MaxConns is the greatest number of sessions; a device above it is closed
	// with 3003. 0: only memory and file descriptors bound it.
	MaxConns int
	// MaxUnidentified is the greatest number of connections that have not said
	// Hello. 0: 4,096.
	MaxUnidentified int
	// HelloTimeout is the time to Hello; a fifth of it, once there are half of
	// MaxUnidentified. 0: 10 s.
	HelloTimeout time.Duration
	// TokenGrace is how long before its JWT expires a device is warned. A
	// device that arrives with less is warned at once and gets as long. 0: 30 s.
	TokenGrace time.Duration
	// WriteTimeout is how long the socket may take none of 16 KiB before the
	// device counts as too slow. 0: 20 s.
	WriteTimeout time.Duration
	// MaxFrame is the greatest payload after Hello, in bytes, at most
	// wire.MaxPayload. 0: wire.MaxPayload.
	MaxFrame int
	// FramesPerSecond closes a device that sends more, with 3005. 0: 200.
	FramesPerSecond int
	// MaxRequests is the greatest number of requests whose response has not
	// been handed to the socket. 0: 8.
	MaxRequests int
	// RequestsPerSecond is the sustained rate of requests; twice as many may
	// come at once. Above it they are answered StatusExhausted. 0: 10.
	RequestsPerSecond int
	// RequestTimeout is a request's deadline where the device names none. 0:
	// 10 s.
	RequestTimeout time.Duration
	// MaxRequestTimeout is the longest deadline a device may name. 0: 30 s.
	MaxRequestTimeout time.Duration
	// DeviceWriters is how many device records are written at once. 0: 32.
	DeviceWriters int
	// DeviceTimeout bounds one attempt to write or remove a record. 0: 5 s.
	DeviceTimeout time.Duration
}

// ErrConfig marks a Config that cannot be used.
var ErrConfig = errors.New("session configuration")

func (c Config) withDefaults() (Config, error) {
	if c.Verifier == nil || c.Registry == nil || c.Relay == nil || c.Kinds == nil {
		return c, fmt.Errorf("%w: Verifier, Registry, Relay and Kinds are required", ErrConfig)
	}
	if c.TicketKey == nil {
		c.TicketKey = make([]byte, minTicketKey)
		_, _ = rand.Read(c.TicketKey) // never fails
	}
	if len(c.TicketKey) < minTicketKey {
		return c, fmt.Errorf("%w: the ticket key has %d bytes, want %d or more", ErrConfig, len(c.TicketKey), minTicketKey)
	}
	if c.Heartbeat == nil {
		c.Heartbeat = heartbeat.Table{}
	}
	c.HeartbeatScale = or(c.HeartbeatScale, 1)
	if c.Clock == nil {
		c.Clock = hostClock{}
	}
	if c.Full == nil {
		c.Full = func(transport.Kind) bool { return false }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.ReconnectSpread = or(c.ReconnectSpread, 30*time.Second)
	c.Limits = c.Limits.withDefaults()
	return c, nil
}

func (l Limits) withDefaults() Limits {
	l.MaxUnidentified = or(l.MaxUnidentified, 4096)
	l.HelloTimeout = or(l.HelloTimeout, 10*time.Second)
	l.TokenGrace = or(l.TokenGrace, 30*time.Second)
	l.WriteTimeout = or(l.WriteTimeout, 20*time.Second)
	l.MaxFrame = min(or(l.MaxFrame, wire.MaxPayload), wire.MaxPayload)
	l.FramesPerSecond = or(l.FramesPerSecond, 200)
	l.MaxRequests = or(l.MaxRequests, 8)
	l.RequestsPerSecond = or(l.RequestsPerSecond, 10)
	l.RequestTimeout = or(l.RequestTimeout, 10*time.Second)
	l.MaxRequestTimeout = or(l.MaxRequestTimeout, 30*time.Second)
	l.DeviceWriters = or(l.DeviceWriters, 32)
	l.DeviceTimeout = or(l.DeviceTimeout, 5*time.Second)
	return l
}

// or returns v, or def where v is not positive.
func or[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
