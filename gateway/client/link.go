package client

import (
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

const (
	// writeTimeout bounds one write. An edge that takes nothing for so long
	// is gone.
	writeTimeout = 15 * time.Second
	// partingTimeout bounds the last write of a connection that the device
	// ends.
	partingTimeout = time.Second
)

// link is one welcomed connection.
type link struct {
	// Static after construction.
	client   *Client
	conn     transport.Conn
	welcome  *wirepb.Welcome
	kinds    wire.Kinds
	said     *wirepb.Hello
	born     time.Time
	out      *outbox
	beat     *beat
	requests *requests
	goAway   chan *wirepb.GoAway // never closed; the last one asked for
	done     chan struct{}       // closed by fail

	// Owned by read.
	reader   *wire.Reader
	notified map[string]bool // kinds that this connection has told of

	mu       sync.Mutex
	end      *ending   // Guarded by mu: nil while the link is good.
	renewing bool      // Guarded by mu: a new token is on its way.
	renewed  time.Time // Guarded by mu: when the last one was sent.
}

func newLink(c *Client, conn transport.Conn, reader *wire.Reader, w *wirepb.Welcome, said *wirepb.Hello) *link {
	return &link{
		client:   c,
		conn:     conn,
		welcome:  w,
		kinds:    wire.Kinds(w.Kinds),
		said:     said,
		born:     time.Now(),
		out:      newOutbox(conn.Kind()),
		beat:     newBeat(time.Duration(w.IntervalMs)*time.Millisecond, c.cfg.HeartbeatScale, said.Asleep),
		requests: newRequests(w.GetLimits().GetMaxRequests()),
		goAway:   make(chan *wirepb.GoAway, 1),
		done:     make(chan struct{}),
		reader:   reader,
		notified: map[string]bool{},
	}
}

// run serves the connection until it has ended and everything it started has.
func (l *link) run() ending {
	var wg sync.WaitGroup
	wg.Go(l.write)
	wg.Go(l.keepAlive)
	l.fail(l.read())
	wg.Wait()
	_ = l.conn.CloseWithCode(0, "")
	return l.ending()
}

// fail ends the link, once, and sets free whoever waits on it.
func (l *link) fail(e ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end != nil {
		return
	}
	e.welcomed = max(time.Since(l.born), 1)
	e.token = l.said.Token
	e.alone = e.how == wirepb.LastConnection_END_TIMEOUT ||
		// A dead edge resets TCP by itself, QUIC in answer to a packet. A NAT
		// that has forgotten the connection has TCP reset in answer to a beat.
		e.how == wirepb.LastConnection_END_RESET && (l.conn.Kind() == transport.QUIC || l.beat.asking())
	e.spread = time.Duration(l.welcome.ReconnectSpreadMs) * time.Millisecond
	l.end = &e
	close(l.done)
	_ = l.conn.SetReadDeadline(time.Unix(1, 0))
	_ = l.conn.SetWriteDeadline(time.Now().Add(partingTimeout))
}

func (l *link) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *link) ending() ending {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.end
}

// parting reports whether the device ended the link, so that its last frames
// are still worth a write.
func (l *link) parting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end != nil && l.end.how == wirepb.LastConnection_END_LOCAL
}

// bye ends the link from the device's side.
func (l *link) bye() {
	l.trySend(&wire.Bye{})
	l.fail(local())
}

// send queues a frame. It never blocks.
func (l *link) send(f wire.Frame) error {
	if l.ended() {
		return ErrConnectionLost
	}
	if !l.out.put(f) {
		l.fail(timedOut(errOverflow))
		return ErrConnectionLost
	}
	l.beat.sent(f.Type() == wire.TypePing)
	return nil
}

// trySend is send for frames that the next Hello makes up for. A nil link is
// no connection.
func (l *link) trySend(f wire.Frame) bool {
	return l != nil && l.send(f) == nil
}

// ack confirms a version. There is no word for version 0.
func (l *link) ack(kind string, version int64) {
	if l != nil && version > 0 {
		l.trySend(&wire.Ack{Kind: l.kinds.Ref(kind), Version: version})
	}
}

func (l *link) report(e ending) *report {
	good, miss := l.beat.gaps()
	if e.how != wirepb.LastConnection_END_TIMEOUT && e.how != wirepb.LastConnection_END_RESET {
		miss = 0
	}
	return &report{how: e.how, good: good, firstMiss: miss, at: time.Now()}
}
