package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"os"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/admission"
)

// Reasons given to OnReject, beside those of package admission. The set is
// closed, so they serve as label values.
const (
	RejectBusy       = "busy"         // too many handshakes, or nobody accepted in time
	RejectMemory     = "memory"       // ListenConfig.Room says that there is none
	RejectFiles      = "files"        // TCP: as many sockets as the process may have; see ListenConfig.MaxSockets
	RejectProxy      = "proxy_header" // a proxy's connection does not begin with its header
	RejectTimeout    = "timeout"      // the handshake took too long
	RejectNotTLS     = "not_tls"      // the first bytes are no TLS record
	RejectTLSVersion = "tls_version"  // the client does not offer TLS 1.3
	RejectALPN       = "alpn"         // the client does not offer hawser/1
	RejectTLS        = "tls"          // any other failure of TLS
	RejectNoStream   = "no_stream"    // QUIC: the device opened no stream in time
	RejectGone       = "gone"         // the client went away, as the loser of a race does
	RejectClosing    = "closing"      // the listener was closed
	RejectAccept     = "accept"       // the system refused to accept, for lack of files perhaps
)

// RejectReasons returns every reason there is.
func RejectReasons() []string {
	all := []string{RejectBusy, RejectMemory, RejectFiles, RejectProxy, RejectTimeout, RejectNotTLS, RejectTLSVersion, RejectALPN, RejectTLS,
		RejectNoStream, RejectGone, RejectClosing, RejectAccept}
	for _, r := range admission.Refusals() {
		all = append(all, string(r))
	}
	return all
}

// QUIC carries TLS alerts as transport error codes (RFC 9001, 4.8).
const (
	alertProtocolVersion = 0x100 + 70
	alertNoProtocol      = 0x100 + 120
)

// classify names the reason behind the error of a failed handshake.
func classify(err error) string {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var transport *quic.TransportError
	var handshake *quic.HandshakeTimeoutError
	var idle *quic.IdleTimeoutError
	switch {
	case errors.As(err, &record):
		return RejectNotTLS
	case errors.As(err, &handshake), errors.As(err, &idle),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return RejectTimeout
	case errors.As(err, &transport):
		return classifyQUIC(transport)
	case errors.As(err, &alert):
		return RejectTLS
	case isGone(err):
		return RejectGone
	}
	return RejectTLS
}

func classifyQUIC(err *quic.TransportError) string {
	switch {
	case err.ErrorCode == alertNoProtocol:
		return RejectALPN
	case err.ErrorCode == alertProtocolVersion:
		return RejectTLSVersion
	case err.ErrorCode == quic.ConnectionRefused:
		return RejectBusy
	case err.Remote && !err.ErrorCode.IsCryptoError():
		return RejectGone
	}
	return RejectTLS
}
