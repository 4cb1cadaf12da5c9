package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

// A pair is both ends of a connection.
type pair struct{ device, edge *end }

func (p *pair) close() {
	p.device.close()
	p.edge.close()
}

// connect makes a connection through the NAT over which each side has heard
// the other.
func (t trial) connect(ctx context.Context, home int) (p *pair, err error) {
	dial := connectUDP
	if t.tcp {
		dial = connectTCP
	}
	if p, err = dial(ctx, t.nat, home); err != nil {
		return nil, fmt.Errorf("connect through NAT %d: %w", t.nat.number, err)
	}
	for _, hello := range []func() error{
		func() error { return p.device.send("hello") },
		func() error { return p.edge.expect("hello") },
		func() error { return p.edge.send("welcome") },
		func() error { return p.device.expect("welcome") },
	} {
		if err := hello(); err != nil {
			p.close()
			return nil, fmt.Errorf("greet through NAT %d: %w", t.nat.number, err)
		}
	}
	return p, nil
}

// An end is one side. It is used by one goroutine at a time.
type end struct {
	// Static.
	conn   net.Conn     // nil at the edge's end of UDP
	packet *net.UDPConn // the edge's end of UDP
	remote *net.UDPAddr // of packet: where the last one came from
}

func (e *end) send(word string) (err error) {
	if e.conn != nil {
		_, err = e.conn.Write([]byte(word))
	} else {
		_, err = e.packet.WriteToUDP([]byte(word), e.remote)
	}
	return err
}

// receive waits for one word; words do not come so close that they would run
// into one another.
func (e *end) receive(wait time.Duration) (string, error) {
	var b [64]byte
	deadline := time.Now().Add(wait)
	if e.conn != nil {
		_ = e.conn.SetReadDeadline(deadline) // a closed one says so when read
		n, err := e.conn.Read(b[:])
		return string(b[:n]), err
	}
	_ = e.packet.SetReadDeadline(deadline)
	n, from, err := e.packet.ReadFromUDP(b[:])
	if err == nil {
		e.remote = from
	}
	return string(b[:n]), err
}

func (e *end) expect(word string) error {
	got, err := e.receive(greetWait)
	if err == nil && got != word {
		err = fmt.Errorf("%q came instead of %q", got, word)
	}
	return err
}

// greetWait is generous: a machine may be busy.
const greetWait = 30 * time.Second

// peer is where the other side is, as this one sees it.
func (e *end) peer() string {
	if e.conn != nil {
		return e.conn.RemoteAddr().String()
	}
	return e.remote.String()
}

// at is this side's own end, where it is a device's.
func (e *end) at() inside {
	switch a := e.conn.LocalAddr().(type) {
	case *net.TCPAddr:
		return inside{a.IP.String(), a.Port}
	case *net.UDPAddr:
		return inside{a.IP.String(), a.Port}
	}
	return inside{}
}

func (e *end) close() {
	if e.conn != nil {
		_ = e.conn.Close() // of no more use, whatever the error says
	} else {
		_ = e.packet.Close()
	}
}

func connectTCP(ctx context.Context, n *nat, home int) (*pair, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(edgeHost, "0"))
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	device, err := n.dial(ctx, home, "tcp", listener.Addr().String())
	if err != nil {
		return nil, err
	}
	edge, err := listener.Accept()
	if err != nil {
		_ = device.Close()
		return nil, err
	}
	return &pair{&end{conn: device}, &end{conn: edge}}, nil
}

func connectUDP(ctx context.Context, n *nat, home int) (*pair, error) {
	edge, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(edgeHost)})
	if err != nil {
		return nil, err
	}
	device, err := n.dial(ctx, home, "udp", edge.LocalAddr().String())
	if err != nil {
		_ = edge.Close()
		return nil, err
	}
	return &pair{&end{conn: device}, &end{packet: edge}}, nil
}

// dial connects from a home of the NAT, without keep-alives of the kernel.
func (n *nat) dial(ctx context.Context, home int, network, addr string) (conn net.Conn, err error) {
	err = n.homes[home].Do(func() error {
		conn, err = (&net.Dialer{KeepAlive: -1, Timeout: greetWait}).DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}
