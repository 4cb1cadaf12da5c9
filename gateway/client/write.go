package client

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// outboxLimit bounds what waits for the edge to take it: all requests that may
// be under way, and small frames.
const outboxLimit = maxRequests*wire.MaxPayload + 64<<10

// outbox holds frames until the writer sends them, several at once where they
// came faster than the network took them.
type outbox struct {
	// Static after construction.
	add  func(b []byte, f wire.Frame) []byte
	wake chan struct{} // never closed; one token: buf is not empty

	mu  sync.Mutex
	buf []byte // Guarded by mu.
}

func newOutbox(kind transport.Kind) *outbox {
	o := &outbox{add: wire.Append, wake: make(chan struct{}, 1)}
	if kind == transport.QUIC {
		o.add = wire.AppendWide
	}
	return o
}

// put reports false when there is no room.
func (o *outbox) put(f wire.Frame) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf) >= outboxLimit {
		return false
	}
	o.buf = o.add(o.buf, f)
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return true
}

func (o *outbox) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.buf
	o.buf = nil
	return b
}

// write sends what is queued until the link ends.
func (l *link) write() {
	for {
		select {
		case <-l.out.wake:
		case <-l.done:
			if l.parting() {
				// fail has set the deadline.
				_ = l.writeAll(l.out.take())
			}
			return
		}
		if err := l.writeAll(l.out.take()); err != nil {
			l.fail(writeEnd(err))
			return
		}
	}
}

func (l *link) writeAll(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	l.mu.Lock()
	if l.end == nil { // else fail's deadline stands
		_ = l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	l.mu.Unlock()
	_, err := l.conn.Write(b)
	return err
}

func writeEnd(err error) ending {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return timedOut(err)
	}
	return endOf(err)
}
