package transport

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/admission"
)

// pending is the life of one connection of quic-go: pending until Accept has
// it, then open, then ended. It is also the connection's context in quic-go,
// one that never ends by itself: a context that does would cost each connection
// half a kilobyte to be told.
type pending struct {
	attempt
	place  admission.Place // of the listener's Sources
	handed atomic.Bool     // or refused
	gone   atomic.Bool     // counted as no more open
	taken  chan struct{}   // closed when Accept has it; owned by hand
}

var _ context.Context = (*pending)(nil)

// Deadline implements context.Context.
func (*pending) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (*pending) Done() <-chan struct{} { return nil }

// Err implements context.Context.
func (*pending) Err() error { return nil }

// Value implements context.Context.
func (a *pending) Value(key any) any {
	switch key.(type) {
	case pendingKey:
		return a
	case attemptKey:
		return &a.attempt
	}
	return nil
}

type pendingKey struct{}

func pendingOf(qc *quic.Conn) *pending {
	a, _ := qc.Context().Value(pendingKey{}).(*pending)
	return a
}

// admit is called for the first packet of a connection, one after the other at
// each worker, and not by the loop that receives the packets of live ones: while
// it waits, first packets wait in a queue of quic-go, which drops those beyond
// 1,000.
func (l *quicListener) admit(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	remote := addrPort(info.RemoteAddr)
	if !l.slots.tryAcquire() {
		l.reject(RejectBusy, remote, errTooManyHandshakes)
		return nil, errTooManyHandshakes
	}
	taken := make(chan struct{})
	a := &pending{taken: taken}
	if reason := l.enter(&a.place, remote); reason != "" {
		l.slots.release()
		l.reject(reason, remote, errNoRoom)
		return nil, errNoRoom
	}
	if wait := l.pacer.reserve(time.Now()); wait > 0 && !l.pause(wait) {
		l.cfg.Sources.Leave(&a.place)
		l.slots.release()
		l.reject(RejectClosing, remote, net.ErrClosed)
		return nil, net.ErrClosed
	}
	l.open.add()
	l.running.Go(func() { l.await(ctx, a, taken, remote) })
	return a, nil
}

// glance is how often a connection that is not accepted yet is looked at. To
// be told of its end would cost it a tenth of a kilobyte, for good.
const glance = 50 * time.Millisecond

// await waits until the connection is accepted or has ended before that.
func (l *quicListener) await(ctx context.Context, a *pending, taken <-chan struct{}, remote netip.AddrPort) {
	timer := time.NewTimer(glance)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-taken:
			return
		case <-timer.C:
			timer.Reset(glance)
		}
	}
	if a.handed.CompareAndSwap(false, true) {
		l.slots.release()
		err := context.Cause(ctx)
		l.reject(l.reasonOf(&a.attempt, err), remote, err)
		l.ended(a)
	}
}

// hand notes that Accept has the connection.
func (l *quicListener) hand(a *pending) {
	if a.handed.CompareAndSwap(false, true) {
		l.slots.release()
		close(a.taken)
		a.taken = nil
	}
}

// ended counts the connection as no more open.
func (l *quicListener) ended(a *pending) {
	if a.gone.CompareAndSwap(false, true) {
		l.cfg.Sources.Leave(&a.place)
		l.open.done()
	}
}
