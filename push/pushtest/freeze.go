package pushtest

import (
	"net"
	"sync"
)

// freezer is a listener whose connections can stop carrying anything, as a
// network does that lost its route: nothing is closed, nothing arrives.
type freezer struct {
	net.Listener

	// Guarded by mu.
	mu     sync.Mutex
	frozen bool
	thaw   *sync.Cond
	opened int
}

func newFreezer(l net.Listener) *freezer {
	f := &freezer{Listener: l}
	f.thaw = sync.NewCond(&f.mu)
	return f
}

func (f *freezer) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.opened++
	f.mu.Unlock()
	return &frozenConn{Conn: c, f: f}, nil
}

func (f *freezer) set(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = on
	f.thaw.Broadcast()
}

// Connections returns how many were accepted so far.
func (f *freezer) connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

func (f *freezer) wait() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.frozen {
		f.thaw.Wait()
	}
}

// frozenConn holds back what arrives, and what is sent, while frozen.
type frozenConn struct {
	net.Conn
	f *freezer
}

func (c *frozenConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.f.wait()
	return n, err
}

func (c *frozenConn) Write(b []byte) (int, error) {
	c.f.wait()
	return c.Conn.Write(b)
}
