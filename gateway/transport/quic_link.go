package transport

import (
	"crypto/tls"
	"net/netip"
	"time"

	"github.com/quic-go/quic-go"
)

// quicLink is the one stream of a QUIC connection. Read, Write and the
// deadlines are those of the stream.
type quicLink struct {
	*quic.Stream
	conn *quic.Conn
	// alarm is the read deadline of an accepted connection. A dialed one leaves
	// it to the stream.
	alarm alarm
	// release closes the socket of a dialed connection. Nil otherwise.
	release func() error
}

func (l *quicLink) SetReadDeadline(t time.Time) error {
	if l.alarm.all == nil {
		return l.Stream.SetReadDeadline(t)
	}
	return l.alarm.set(t)
}

func (l *quicLink) closeWrite() error { return l.Stream.Close() }

func (l *quicLink) drain(p []byte) (int, error) { return l.Stream.Read(p) }

// finish sends CONNECTION_CLOSE before it releases the socket.
func (l *quicLink) finish(code uint16, reason string) error {
	err := l.conn.CloseWithError(quic.ApplicationErrorCode(code), reason)
	if l.release == nil {
		return err
	}
	if rerr := l.release(); err == nil {
		err = rerr
	}
	return err
}

func (l *quicLink) remoteAddr() netip.AddrPort { return addrPort(l.conn.RemoteAddr()) }

func (l *quicLink) tlsState() tls.ConnectionState { return l.conn.ConnectionState().TLS }
