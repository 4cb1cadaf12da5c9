package transport

import (
	"crypto/tls"
	"net"
	"net/netip"
)

// tcpLink is TLS over TCP. Read and the deadlines are those of tls.Conn.
type tcpLink struct {
	*tls.Conn
	raw *tcpSocket
}

func (l *tcpLink) Write(p []byte) (int, error) {
	l.raw.begin()
	defer l.raw.end()
	return l.Conn.Write(p)
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

func (l *tcpLink) remoteAddr() netip.AddrPort { return addrPort(l.raw.RemoteAddr()) }

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
