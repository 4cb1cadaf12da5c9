package main

import (
	"context"

	"github.com/hawser-edge/hawser/gateway/transport/park"
)

// openPlain is sidePlain: the sockets under an edge's connections, and nothing
// above them.
func (b *bare) openPlain() (addr string, err error) {
	listener, err := park.Listen(context.Background(), "127.0.0.1:0", false)
	if err != nil {
		return "", err
	}
	poller, err := park.NewPoller()
	if err != nil {
		return "", err
	}
	go func() {
		for {
			fd, err := listener.Accept()
			if err != nil {
				return
			}
			c := &plainConn{b: b}
			if c.sock.Open(poller, fd, c) != nil {
				continue
			}
			c.sock.Park()
			b.add(&c.sock)
		}
	}()
	return listener.Addr().String(), nil
}

// plainConn counts what it is sent.
type plainConn struct {
	b    *bare
	sock park.Socket
}

// Ready implements park.Owner.
func (c *plainConn) Ready(park.Events) {
	if err := c.b.count(&c.sock); err != nil {
		_ = c.sock.Close()
	}
}
