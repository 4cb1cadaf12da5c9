package transport

import (
	"net"
	"sync"
	"time"
)

// tcpSocket is the socket under TLS. crypto/tls also writes on its own account
// while it reads, to answer a key update or with an alert. A peer that asks
// for key updates and reads none of the answers would hold the reader in such
// a write for ever: they end at the read deadline instead, like the Read that
// they are part of.
type tcpSocket struct {
	*net.TCPConn

	// Owned by who reads.
	turn *turn // nil after the handshake

	mu sync.Mutex
	// Guarded by mu.
	read, write time.Time // the caller's deadlines
	writers     int       // the caller's writes under way
	answering   bool      // a write of crypto/tls is under way
}

// Read is called by crypto/tls only.
func (s *tcpSocket) Read(p []byte) (int, error) {
	s.turn.rest()
	n, err := s.TCPConn.Read(p)
	s.turn.take()
	return n, err
}

// begin and end enclose every write of the caller. The caller's deadline also
// ends an answer that is in its way.
func (s *tcpSocket) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writers++
	if s.answering {
		_ = s.TCPConn.SetWriteDeadline(s.write)
	}
}

func (s *tcpSocket) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writers--
}

// Write is called by crypto/tls only, never twice at once.
func (s *tcpSocket) Write(p []byte) (int, error) {
	s.beginAnswer()
	defer s.endAnswer()
	return s.TCPConn.Write(p)
}

func (s *tcpSocket) beginAnswer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writers == 0 {
		s.answering = true
		_ = s.TCPConn.SetWriteDeadline(s.read)
	}
}

func (s *tcpSocket) endAnswer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answering {
		s.answering = false
		_ = s.TCPConn.SetWriteDeadline(s.write)
	}
}

func (s *tcpSocket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = t
	if s.answering && s.writers == 0 {
		_ = s.TCPConn.SetWriteDeadline(t)
	}
	return s.TCPConn.SetReadDeadline(t)
}

func (s *tcpSocket) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write = t
	if s.answering && s.writers == 0 {
		return nil // endAnswer sets it
	}
	return s.TCPConn.SetWriteDeadline(t)
}
