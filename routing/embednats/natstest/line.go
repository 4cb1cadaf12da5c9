package natstest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Line is a TCP line to a server that can be cut without a sign: connections
// stay open and nothing passes any more, as behind a router that lost its
// state, or with a server that was stopped.
type Line struct {
	// Static after construction.
	listener net.Listener
	target   string
	loss     *atomic.Pointer[Loss] // nil: the line loses nothing
	wg       sync.WaitGroup

	mu   sync.Mutex
	open chan struct{} // Guarded by mu. Closed while bytes pass.
	// Guarded by mu.
	conns map[net.Conn]bool
	ended bool
}

// NewLine opens a line to the server at the address target, until the test's
// end.
func NewLine(t testing.TB, target string) *Line {
	t.Helper()
	return newLine(t, target, nil)
}

func newLine(t testing.TB, target string, loss *atomic.Pointer[Loss]) *Line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := make(chan struct{})
	close(open)
	line := &Line{listener: l, target: target, loss: loss, open: open, conns: map[net.Conn]bool{}}
	line.wg.Go(line.accept)
	t.Cleanup(line.close)
	return line
}

// URL is where clients connect to.
func (l *Line) URL() string { return "nats://" + l.listener.Addr().String() }

// Cut stops whatever is under way, in both directions. New connections are
// accepted, as by the kernel of a stopped server, and get no byte.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = make(chan struct{})
}

// Mend lets bytes pass again, those first that were held up.
func (l *Line) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
	default:
		close(l.open)
	}
}

func (l *Line) accept() {
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() { l.join(c) })
	}
}

// join connects a client to the server and carries both directions.
func (l *Line) join(client net.Conn) {
	defer client.Close()
	if !l.hold(client) {
		return
	}
	defer l.drop(client)
	l.pass()
	server, err := net.DialTimeout("tcp", l.target, 2*time.Second)
	if err != nil {
		return
	}
	defer server.Close()
	if !l.hold(server) {
		return
	}
	defer l.drop(server)
	var both sync.WaitGroup
	both.Go(func() { l.carry(server, client, false) })
	both.Go(func() { l.carry(client, server, true) })
	both.Wait()
}

// carry ends with either of the two.
func (l *Line) carry(to, from net.Conn, fromServer bool) {
	defer to.Close()
	defer from.Close()
	if l.loss != nil {
		l.sift(to, from, fromServer)
		return
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		l.pass()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits while the line is cut.
func (l *Line) pass() {
	l.mu.Lock()
	open := l.open
	l.mu.Unlock()
	<-open
}

func (l *Line) hold(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.conns[c] = true
	return true
}

func (l *Line) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

func (l *Line) close() {
	_ = l.listener.Close() // nothing is left to do with an error
	l.mu.Lock()
	l.ended = true
	for c := range l.conns {
		_ = c.Close()
	}
	l.mu.Unlock()
	l.Mend()
	l.wg.Wait()
}
