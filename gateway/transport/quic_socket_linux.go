package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// maxSockets is how many UDP sockets of one process share a port.
const maxSockets = maxWorkers

// openSockets opens UDP sockets that share an address. The kernel hands each
// packet to the one whose number its connection ID names, and the first
// packets of a connection to any.
//
// The sockets stay open until all of them can be closed: where one leaves, the
// kernel gives its number to another.
func openSockets(addr string, count int) ([]*net.UDPConn, error) {
	// The first is bound without SO_REUSEPORT, so that a port is not shared by
	// accident with another process, whose packets we would get.
	first, err := bindUDP(addr, nil)
	if err != nil {
		return nil, err
	}
	sockets := []*net.UDPConn{first}
	if count < 2 {
		return sockets, nil
	}
	if sockets, err = share(sockets, count); err != nil {
		for _, s := range sockets {
			_ = s.Close()
		}
		return nil, fmt.Errorf("%w: %w", errNoSteering, err)
	}
	return sockets, nil
}

// share opens the others beside the first. It returns what is open after an
// error, too.
func share(sockets []*net.UDPConn, count int) ([]*net.UDPConn, error) {
	addr := sockets[0].LocalAddr().String()
	raw, err := sockets[0].SyscallConn()
	if err != nil {
		return sockets, err
	}
	if err := reusePort(raw); err != nil {
		return sockets, err
	}
	for len(sockets) < count {
		s, err := bindUDP(addr, func(_, _ string, raw syscall.RawConn) error { return reusePort(raw) })
		if err != nil {
			return sockets, err
		}
		sockets = append(sockets, s)
	}
	return sockets, steer(raw, count)
}

func bindUDP(addr string, control func(network, address string, raw syscall.RawConn) error) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: control}
	s, err := lc.ListenPacket(context.Background(), "udp", addr)
	if err != nil {
		return nil, err
	}
	return s.(*net.UDPConn), nil
}

func reusePort(raw syscall.RawConn) error {
	return onSocket(raw, "set SO_REUSEPORT", func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
}

// steer attaches the program that chooses among the sockets.
func steer(raw syscall.RawConn, count int) error {
	program, err := bpf.Assemble(steering(uint32(count)))
	if err != nil {
		return err
	}
	filters := make([]unix.SockFilter, len(program))
	for i, p := range program {
		filters[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
	}
	return onSocket(raw, "attach the filter that steers QUIC packets", func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
			&unix.SockFprog{Len: uint16(len(filters)), Filter: &filters[0]})
	})
}

// steering is the program. It sees the payload of UDP, and returns the number
// of a socket; one that is no socket's makes the kernel go by the addresses.
func steering(count uint32) []bpf.Instruction {
	const (
		long      = 0x80
		typeMask  = 0x30
		handshake = 0x20
		shortID   = 1 + workerAt
		// Behind the first byte, the version and the ID's length.
		longID  = 1 + 4 + 1 + workerAt
		nowhere = 0xffff
	)
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: long, SkipFalse: 5},
		// Initial and 0-RTT packets may carry an ID of the client's choice.
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: typeMask},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: handshake, SkipTrue: 1},
		bpf.RetConstant{Val: nowhere},
		bpf.LoadAbsolute{Off: longID, Size: 1},
		bpf.Jump{Skip: 1},
		bpf.LoadAbsolute{Off: shortID, Size: 1},
		// The number is that of a process before this one at times, which had
		// more workers.
		bpf.ALUOpConstant{Op: bpf.ALUOpMod, Val: count},
		bpf.RetA{},
	}
}

func onSocket(raw syscall.RawConn, what string, do func(fd int) error) error {
	var err error
	if cerr := raw.Control(func(fd uintptr) { err = do(int(fd)) }); cerr != nil {
		err = errors.Join(err, cerr)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// own is a socket that gets no packets of other nodes' connections. They come
// where packets are spread over a fleet by address. Answered with a reset,
// which all nodes can make, they would tell whoever replays a packet how to
// end the device's connection.
type own struct {
	*net.UDPConn
	batch *ipv4.PacketConn
	node  [nodeLen]byte
}

func newOwn(s *net.UDPConn, node [nodeLen]byte) net.PacketConn {
	return &own{UDPConn: s, batch: ipv4.NewPacketConn(s), node: node}
}

// ReadBatch is what quic-go calls. It passes over a packet without content.
func (o *own) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	n, err := o.batch.ReadBatch(ms, flags)
	for i := range ms[:max(n, 0)] {
		if m := &ms[i]; isForeign(m.Buffers[0][:m.N], o.node) {
			m.N = 0
		}
	}
	return n, err
}
