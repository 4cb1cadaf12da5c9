package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// partBare is the process beside which an edge is measured: it has nothing of
// an edge but the sockets and TLS.
const partBare = "bare"

// The sides beside which an edge is measured.
const (
	// sideLoop is a loop that accepts connections, and for each a goroutine
	// that answers over crypto/tls: what one writes who wants TLS and no more.
	sideLoop = "accept_loop"
	// sidePlain is parked connections without TLS, and sideSealed with.
	sidePlain  = "parked_plain"
	sideSealed = "parked_tls"
)

// The lengths of a notify and of its acknowledgement, in bytes; those of hawser
// with versions of today.
const (
	newsLength = 18
	ackLength  = 10
)

// BareOpen is what the process is told first.
type BareOpen struct{ Side, CertFile, KeyFile string }

// BareAddrs is where it listens, for devices and for orders.
type BareAddrs struct{ Devices, Orders string }

// bare is the process. It is one side.
type bare struct {
	mu    sync.Mutex
	conns []io.Writer // those that are parked; guarded by mu

	acked atomic.Int64 // bytes
}

// runBare serves the parent until it closes our standard input.
func runBare([]string) int {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	server := rpc.NewServer()
	if err := server.RegisterName("Bare", &bareService{new(bare)}); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest bare:", err)
		return exitFailed
	}
	server.ServeConn(pipes{os.Stdin, os.Stdout})
	return exitOK
}

// bareService is the process as its parent sees it.
type bareService struct{ b *bare }

// Open listens. Everything ends with the process.
func (s *bareService) Open(o BareOpen, out *BareAddrs) error {
	pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		return err
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, CurvePreferences: transport.KeyExchanges(true),
	}
	switch o.Side {
	case sideLoop:
		out.Devices, err = openLoop(config)
	case sideSealed:
		out.Devices, err = s.b.openSealed(config)
	default:
		out.Devices, err = s.b.openPlain()
	}
	if err != nil {
		return err
	}
	orders, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go s.b.takeOrders(orders)
	out.Orders = orders.Addr().String()
	return nil
}

// Acked is how many acknowledgements have come.
func (s *bareService) Acked(_ Nothing, n *int64) error {
	*n = s.b.acked.Load() / ackLength
	return nil
}

// openLoop is sideLoop.
func openLoop(config *tls.Config) (addr string, err error) {
	// A keepalive would be three system calls a connection that an edge does
	// without.
	listener, err := (&net.ListenConfig{KeepAlive: -1}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(tls.Server(raw, config))
		}
	}()
	return listener.Addr().String(), nil
}

// answer sends back what comes until the peer ends.
func answer(c *tls.Conn) {
	defer c.Close()
	var buf [1024]byte
	for {
		n, err := c.Read(buf[:])
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// openSealed is sideSealed: what carries an edge's sessions, without any.
func (b *bare) openSealed(config *tls.Config) (addr string, err error) {
	listener, err := transport.ListenTCP(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: config})
	if err != nil {
		return "", err
	}
	go func() {
		for {
			c, err := listener.Accept(context.Background())
			if err != nil {
				return
			}
			p, ok := c.(transport.Parker)
			if !ok {
				_ = c.CloseWithCode(0, "")
				continue
			}
			p.Park(&sealedConn{b, p})
			b.add(p)
		}
	}()
	return listener.Addr().String(), nil
}

func (b *bare) add(c io.Writer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns = append(b.conns, c)
}

// sealedConn counts what it is sent.
type sealedConn struct {
	b    *bare
	conn transport.Parker
}

func (c *sealedConn) Drained(error) {}

func (c *sealedConn) Ready() {
	if err := c.b.count(c.conn); err != nil {
		_ = c.conn.CloseWithCode(0, "")
	}
}

// count reads all that there is. It returns an error where nothing more will
// come.
func (b *bare) count(r io.Reader) error {
	var buf [256]byte
	for {
		n, err := r.Read(buf[:])
		b.acked.Add(int64(n))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// orderLength is that of an order: the number of the connection that is to be
// told. An edge, too, hears of each notify over a socket.
const orderLength = 8

// takeOrders takes one publisher after the other.
func (b *bare) takeOrders(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b.obey(c)
		_ = c.Close()
	}
}

func (b *bare) obey(c net.Conn) {
	buf, have := make([]byte, 512*orderLength), 0
	for {
		n, err := c.Read(buf[have:])
		have += n
		done := 0
		for ; have-done >= orderLength; done += orderLength {
			b.tell(buf[done : done+orderLength])
		}
		have = copy(buf, buf[done:have])
		if err != nil {
			return
		}
	}
}

// orderOf is an order.
func orderOf(n int) (order [orderLength]byte) {
	binary.BigEndian.PutUint64(order[:], uint64(n))
	return order
}

// tell carries out an order.
func (b *bare) tell(order []byte) {
	var news [newsLength]byte
	copy(news[:], order)
	if w := b.writer(binary.BigEndian.Uint64(order)); w != nil {
		_, _ = w.Write(news[:]) // a connection that failed lacks its acknowledgement
	}
}

func (b *bare) writer(n uint64) io.Writer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n >= uint64(len(b.conns)) {
		return nil
	}
	return b.conns[n]
}
