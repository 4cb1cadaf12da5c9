package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport/reuseport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// ListenTCP listens for TLS 1.3 over TCP.
func ListenTCP(cfg ListenConfig) (Listener, error) {
	tlsConfig, err := serverTLS(cfg.TLS)
	if err != nil {
		return nil, err
	}
	tlsConfig.NextProtos = append(tlsConfig.NextProtos, ALPNProbe)
	door, err := openDoor(cfg.Addr, cfg.Shared)
	if err != nil {
		return nil, fmt.Errorf("transport: listen on tcp %s: %w", cfg.Addr, err)
	}
	cfg = cfg.withDefaults()
	l := &tcpListener{
		gate: newGate(TCP, cfg),
		tls:  tlsConfig,
		door: door,
		open: newTracker(door.release), start: time.Now(),
		busy: newHandshakes(cfg.MaxHandshakes), turns: newTurns(cfg.Handshakers, newStint()),
	}
	if cfg.Shared && !reuseport.Migrates() {
		cfg.Log.Info("net.ipv4.tcp_migrate_req is 0: while this process drains some devices wait a second longer to connect", "port", l.Addr().Port())
	}
	if err := l.keepTickets(tlsConfig, newFleetKeys(cfg.FleetKey)); err != nil {
		_ = l.Close()
		return nil, err
	}
	l.running.Go(l.acceptLoop)
	return l, nil
}

// tcpListener owns the accept loop and the goroutines of the handshakes.
type tcpListener struct {
	*gate

	// Static after construction.
	tls   *tls.Config
	door  *door // how this system accepts connections and waits on them
	open  *tracker
	busy  *handshakes
	turns *turns

	start time.Time

	// Owned by the accept loop.
	elders elders

	// Where connections go on; see Direct.
	direct direct

	once sync.Once
}

func (l *tcpListener) Addr() netip.AddrPort { return addrPort(l.door.addr()) }

func (l *tcpListener) Close() error {
	l.once.Do(func() {
		l.cancel()
		l.door.close()
		l.running.Wait()
		l.open.end()
	})
	return nil
}

// leaveWait is for how long Leave waits for handshakes: longer than those of
// most devices take.
const leaveWait = 3 * time.Second

func (l *tcpListener) Leave(ctx context.Context) error {
	var err error
	if l.cfg.Shared {
		err = l.door.leave(ctx)
	}
	l.door.close()
	if err != nil {
		return fmt.Errorf("transport: leave tcp %s: connections may have been refused: %w", l.Addr(), err)
	}
	l.busy.idle(ctx, leaveWait)
	return nil
}

func (l *tcpListener) Shutdown(ctx context.Context) error {
	_ = l.Close()
	if err := l.open.wait(ctx); err != nil {
		return err
	}
	l.door.wait()
	return nil
}

func (l *tcpListener) acceptLoop() {
	for l.busy.room(l.ctx) {
		raw, err := l.door.accept()
		switch {
		case err == nil:
			l.begin(raw)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			// Out of files, or a client that reset early: neither may end the
			// loop, and neither may spin it.
			l.reject(RejectAccept, netip.AddrPort{}, err)
			if !l.pause(50 * time.Millisecond) {
				return
			}
		}
	}
}

// rush is how many connections have to wait in the system's queue to be one, and
// how many have to be there that are to be spared from it.
const rush = 100

// hurry says that there is a rush, where there is one. An edge that has just
// started has only those who come, and what they leave in memory in a hurry lies
// scattered for as long as they stay.
func (l *tcpListener) hurry(elders int) {
	if elders > rush && l.door.waiting() > rush {
		l.cfg.OnRush()
	}
}

// begin starts the handshake off the accept loop, or refuses it.
func (l *tcpListener) begin(raw *incoming) {
	elders := l.elders.count(time.Now(), l.open.count())
	if reason := l.turnAway(raw); reason != "" {
		l.reject(reason, raw.remote(), errNoRoom)
		raw.abort()
		return
	}
	// To come is a turn, too: where there are more than the edge can serve they
	// wait in the system's queue, which is free, and not in front of what live
	// connections want of the scheduler.
	if mine := l.turns.join(false); mine != nil {
		l.hurry(elders)
		<-mine
	}
	h := l.busy.begin(raw)
	h.turn.of = l.turns
	l.running.Add(1)
	go func() {
		h.turn.begin()
		_ = roomy(0)
		h.turn.rest()
		hold := l.handshake(raw, h)
		l.busy.end(h)
		l.running.Done()
		if hold != nil {
			defer l.direct.holding.Done()
			hold(raw.conn(l))
		}
	}()
}

// roomy gives its goroutine the stack that a handshake comes to need, at once: to
// grow there step by step copies it four times, by when there is much of it.
//
//go:noinline
func roomy(i uint8) byte {
	var room [9 << 10]byte // of 16 KiB
	return room[i]
}

// turnAway is the reason why a connection is not even heard, or empty.
func (l *tcpListener) turnAway(raw *incoming) string {
	if most := l.cfg.MaxSockets; most > 0 && Sockets(l) >= most {
		return RejectFiles
	}
	from := raw.remote()
	if l.isProxy(from) {
		return "" // whose it is comes first: see introduce
	}
	return l.enter(raw.seat(), from)
}

// handshake returns who holds the connection from now on, on this goroutine, if
// anybody does.
func (l *tcpListener) handshake(raw *incoming, h *handshake) (hold func(Conn)) {
	a := &attempt{}
	tc, err := raw.secure(withAttempt(l.ctx, a), l, &h.turn)
	if err != nil {
		if l.busy.end(h) {
			a.decide(RejectBusy)
		}
		l.refuse(raw, l.reasonOf(a, err), err)
		return nil
	}
	l.busy.done(h, l.turns.crowded())
	state := tc.ConnectionState()
	switch state.NegotiatedProtocol {
	case wire.ALPN:
	case ALPNProbe:
		l.answerProbe(tc)
		raw.leave(l)
		return nil
	default: // a client without any ALPN passes crypto/tls
		l.refuse(raw, RejectALPN, errALPN)
		return nil
	}
	l.open.add()
	if hold = l.direct.begin(); hold == nil {
		err = l.deliver(raw.conn(l))
	}
	if err != nil {
		l.open.done()
		l.refuse(raw, l.reasonOf(a, err), err)
		return nil
	}
	l.cfg.OnHandshake(TCP, &state)
	return hold
}

func (l *tcpListener) refuse(raw *incoming, reason string, err error) {
	l.reject(reason, raw.remote(), err)
	raw.leave(l)
	raw.close()
}
