package demo

import (
	"sync"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// A gate holds up a device's reading, as a phone does that the system has
// put to sleep: the connection stands and nothing is taken from it. The zero
// gate is open.
type gate struct {
	mu     sync.Mutex
	closed chan struct{} // closed by open; nil while open
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == nil {
		g.closed = make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
		g.closed = nil
	}
}

// wait returns once the gate is open.
func (g *gate) wait() {
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed != nil {
		<-closed
	}
}

// A gatedConn lets nothing through to the device while its gate is shut,
// also not what a Read that had begun before then received.
type gatedConn struct {
	transport.Conn
	gate *gate
}

func (c gatedConn) Read(p []byte) (int, error) {
	c.gate.wait()
	n, err := c.Conn.Read(p)
	c.gate.wait()
	return n, err
}
