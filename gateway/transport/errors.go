package transport

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"syscall"

	"github.com/quic-go/quic-go"
)

// RemoteClose is the error of Read and Write on a connection that the peer
// closed with a code, on transports that carry one and are not QUIC. Use
// [CodeFromError] to read the code on any transport.
type RemoteClose struct {
	Code   uint16
	Reason string
}

// Error implements error.
func (e *RemoteClose) Error() string {
	return fmt.Sprintf("transport: the peer closed the connection with code %d: %s", e.Code, e.Reason)
}

// Unwrap makes it match net.ErrClosed, as the errors of QUIC do.
func (e *RemoteClose) Unwrap() error { return net.ErrClosed }

// ErrDeaf is the error of Read on a parked connection whose peer did not take
// what was written, be it only what TLS has to answer.
var ErrDeaf = errors.New("transport: the peer does not read")

// CodeFromError returns the code and reason with which the peer closed the
// connection, if err carries them. TCP carries none: there, only the Close
// frame tells.
func CodeFromError(err error) (code uint16, reason string, ok bool) {
	var remote *RemoteClose
	if errors.As(err, &remote) {
		return remote.Code, remote.Reason, true
	}
	var app *quic.ApplicationError
	if errors.As(err, &app) && app.Remote && app.ErrorCode <= math.MaxUint16 {
		return uint16(app.ErrorCode), app.ErrorMessage, true
	}
	return 0, "", false
}

// Refused reports whether err is the answer that nobody takes connections at
// the address: no edge runs there, or one that is stopping or full. On TCP the
// system answers so, on QUIC a living edge only.
func Refused(err error) bool {
	var t *quic.TransportError
	return errors.Is(err, syscall.ECONNREFUSED) ||
		errors.As(err, &t) && t.Remote && t.ErrorCode == quic.ConnectionRefused
}

// isGone reports whether err means that the peer simply went away.
func isGone(err error) bool {
	var app *quic.ApplicationError
	var reset *quic.StatelessResetError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &app) || errors.As(err, &reset)
}
