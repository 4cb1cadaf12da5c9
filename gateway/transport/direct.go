package transport

import (
	"context"
	"sync"
)

// Direct is a Listener that has a connection held on the goroutine that made
// its handshake, whose stack has grown already: a goroutine less to start, and
// two less to wake, for each.
type Direct interface {
	Listener
	// Each calls hold for every connection, for many at once, until ctx ends
	// or the listener is closed. It returns after the last hold has, with the
	// error of Accept. It is called once, and in place of Accept.
	Each(ctx context.Context, hold func(Conn)) error
}

// direct is where connections go on.
type direct struct {
	holding sync.WaitGroup

	mu   sync.Mutex
	hold func(Conn) // Guarded by mu. Nil: connections are accepted.
}

func (d *direct) set(hold func(Conn)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold = hold
}

// begin returns who holds a connection. If anybody does, holding.Done follows.
func (d *direct) begin() func(Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hold != nil {
		d.holding.Add(1)
	}
	return d.hold
}

var _ Direct = (*tcpListener)(nil)

func (l *tcpListener) Each(ctx context.Context, hold func(Conn)) error {
	d := &l.direct
	d.set(hold)
	defer d.holding.Wait()
	defer d.set(nil)
	for {
		// Those that came before, and then none.
		c, err := l.Accept(ctx)
		if err != nil {
			return err
		}
		d.holding.Go(func() { hold(c) })
	}
}
