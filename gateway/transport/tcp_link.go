package transport

import (
	"crypto/tls"
	"net"
	"net/netip"
)

// smallRecord is the most that a device puts into a TLS record, in bytes. An
// edge with crypto/tls keeps its read buffer for the life of a connection, as
// large as the largest record made it: this much fits in what it begins with.
const smallRecord = 512

// tcpLink is TLS over TCP. Read and the deadlines are those of tls.Conn.
type tcpLink struct {
	*tls.Conn
	raw    *tcpSocket
	remote func() netip.AddrPort // nil: that of raw
	// small keeps records small; see smallRecord.
	small bool
}

func (l *tcpLink) Write(p []byte) (int, error) {
	l.raw.begin()
	defer l.raw.end()
	if l.small && len(p) > smallRecord {
		return l.writeSmall(p)
	}
	return l.Conn.Write(p)
}

// writeSmall leaves it to the system to fill its packets: each record is
// handed over by itself.
func (l *tcpLink) writeSmall(p []byte) (n int, err error) {
	_ = l.raw.SetNoDelay(false) // an error means more packets, or comes again
	defer func() { _ = l.raw.SetNoDelay(true) }()
	for n < len(p) && err == nil {
		var m int
		m, err = l.Conn.Write(p[n:min(len(p), n+smallRecord)])
		n += m
	}
	return n, err
}

func (l *tcpLink) closeWrite() error {
	l.raw.begin()
	defer l.raw.end()
	if err := l.Conn.CloseWrite(); err != nil {
		return err
	}
	return l.raw.CloseWrite()
}

// drain passes TLS by: the bytes are dropped, so nobody needs them decrypted.
func (l *tcpLink) drain(p []byte) (int, error) { return l.raw.Read(p) }

func (l *tcpLink) finish(uint16, string) error { return l.raw.Close() }

func (l *tcpLink) remoteAddr() netip.AddrPort {
	if l.remote != nil {
		return l.remote()
	}
	return addrPort(l.raw.RemoteAddr())
}

func (l *tcpLink) tlsState() tls.ConnectionState { return l.ConnectionState() }

// addrPort converts the addresses of this package's sockets.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
