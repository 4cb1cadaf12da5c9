package reuseport

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// Supported reports whether this system has what the package needs.
const Supported = true

// Share makes what listens share its port with others: all of a port must, and
// be of one user. It takes over lc.Control.
func Share(lc *net.ListenConfig) {
	lc.Control = reusePort
	lc.SetMultipathTCP(false) // its sockets take no filters
}

func reusePort(_, _ string, c syscall.RawConn) error {
	return control(c, func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return os.NewSyscallError("setsockopt SO_REUSEPORT", err)
		}
		return nil
	})
}

// Leave prepares a listening socket for closing; see the package comment. It
// returns when nothing waits in it any more and nothing comes, or when ctx ends,
// with its error: then closing may reset connections. All the while somebody
// else must accept, and call Release for each connection that he gets after
// Leave has begun. Closing has to follow.
func Leave(ctx context.Context, listening syscall.RawConn) error {
	last := dropAll
	if Migrates() {
		last = dropLater
	} else {
		if err := filter(listening, dropFirst); err != nil {
			return err
		}
		if !sleep.For(ctx, settle) {
			return ctx.Err()
		}
	}
	if err := filter(listening, last); err != nil {
		return err
	}
	if err := awaitPackets(ctx); err != nil {
		return err
	}
	return awaitEmpty(ctx, listening)
}

// Release undoes for an accepted connection what Leave did to the socket that
// it came from, of which it inherits.
func Release(fd int) {
	// An error says that there was nothing to undo.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
}

// Migrates reports whether the system hands over what waits in a socket that is
// closed.
func Migrates() bool {
	b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_migrate_req")
	return err == nil && len(b) > 0 && b[0] == '1'
}

// barrierGlobal is MEMBARRIER_CMD_GLOBAL.
const barrierGlobal = 1

// awaitPackets waits until the system has done with the packets that it was
// taking up: it does so in sections that a global barrier waits for.
func awaitPackets(ctx context.Context) error {
	_, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, barrierGlobal, 0, 0)
	if errno == 0 {
		return nil
	}
	if !sleep.For(ctx, grace) { // some systems have no barriers
		return ctx.Err()
	}
	return nil
}

// awaitEmpty waits until everything was accepted.
func awaitEmpty(ctx context.Context, listening syscall.RawConn) error {
	ctx, cancel := context.WithTimeout(ctx, acceptWait)
	defer cancel()
	for {
		n, err := waiting(listening)
		if n == 0 || err != nil {
			return err
		}
		if !sleep.For(ctx, look) {
			return fmt.Errorf("%d connections wait to be accepted: %w", n, ctx.Err())
		}
	}
}

// waiting is how many connections could be accepted.
func waiting(listening syscall.RawConn) (n int, err error) {
	err = control(listening, func(fd int) error {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return os.NewSyscallError("getsockopt TCP_INFO", err)
		}
		n = int(info.Unacked) // of a listening socket, that is what it counts
		return nil
	})
	return n, err
}

// What a filter lets pass of the packets to a socket: how many bytes.
const (
	none = 0
	all  = 1 << 18
)

const (
	flags  = 13   // where a TCP header has them
	syn    = 0x02 // alone it is the first packet of a connection
	synAck = 0x12
)

// The filters see packets from the TCP header on. They are never changed.
var (
	dropAll = []bpf.Instruction{bpf.RetConstant{Val: none}}
	// dropFirst drops the first packets of connections.
	dropFirst = dropWhere(bpf.JumpEqual)
	// dropLater drops all but those.
	dropLater = dropWhere(bpf.JumpNotEqual)
)

func dropWhere(isFirst bpf.JumpTest) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: flags, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: synAck},
		bpf.JumpIf{Cond: isFirst, Val: syn, SkipTrue: 0, SkipFalse: 1},
		bpf.RetConstant{Val: none},
		bpf.RetConstant{Val: all},
	}
}

func filter(listening syscall.RawConn, program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("assemble the filter: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return control(listening, func(fd int) error {
		err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
		if err != nil {
			return os.NewSyscallError("setsockopt SO_ATTACH_FILTER", err)
		}
		return nil
	})
}

func control(c syscall.RawConn, f func(fd int) error) (err error) {
	if cerr := c.Control(func(fd uintptr) { err = f(int(fd)) }); cerr != nil {
		return cerr
	}
	return err
}
