package client

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// retireTimeout is how long an old connection may finish its requests after a
// move.
const retireTimeout = 5 * time.Second

// serve keeps a connection, and those it moves to when the edge asks, until
// one ends without a successor.
func (c *Client) serve(ctx context.Context, l *link) ending {
	ended := c.start(l)
	m := newMove()
	defer m.timer.Stop()
	for {
		select {
		case e := <-ended:
			return m.blame(c.finish(l, e))
		case <-ctx.Done():
			l.bye()
			return c.finish(l, <-ended)
		case g := <-l.goAway:
			m.plan(time.Duration(g.SpreadMs) * time.Millisecond)
		case <-m.timer.C:
			next, err := c.connect(ctx, "")
			if err != nil {
				m.failed(err, c.slot.wait())
				continue
			}
			old, oldEnded := l, ended
			l, ended = next, c.start(next)
			c.work.Go(func() { c.retire(old, oldEnded) })
			m.done()
		}
	}
}

// start makes l the client's connection and runs it.
func (c *Client) start(l *link) <-chan ending {
	c.setLink(l)
	c.cfg.OnState(State{
		Phase:     PhaseConnected,
		Transport: l.conn.Kind(),
		Edge:      l.welcome.Edge,
		Epoch:     l.welcome.Epoch,
		Interval:  l.beat.current(),
	})
	ended := make(chan ending, 1)
	c.work.Go(func() { ended <- l.run() })
	return ended
}

// finish draws the conclusions from the end of the client's connection.
func (c *Client) finish(l *link, e ending) ending {
	c.setLink(nil)
	c.mu.Lock()
	c.last = l.report(e)
	c.mu.Unlock()
	if e.how == wirepb.LastConnection_END_TIMEOUT && l.conn.Kind() == transport.QUIC && e.welcomed < steady {
		c.dialer.quicFailed()
	}
	return e
}

// retire ends a connection that has a successor, once its requests are
// answered. How it ends no longer matters: mostly it is superseded.
func (c *Client) retire(l *link, ended <-chan ending) {
	ctx, cancel := context.WithTimeout(context.Background(), retireTimeout)
	defer cancel()
	l.requests.drain(ctx, l.done)
	l.fail(local())
	<-ended
}

// move is a move to another edge that the present one has asked for.
type move struct {
	timer    *time.Timer
	planned  bool
	failures int
	// helloed: a newer connection of this device may exist.
	helloed bool
}

func newMove() *move {
	m := &move{timer: time.NewTimer(0)}
	m.timer.Stop()
	return m
}

func (m *move) plan(spread time.Duration) {
	if m.planned {
		return
	}
	m.planned = true
	m.timer.Reset(below(spread))
}

// failed plans the next attempt, at the slot if there is one to wait for.
func (m *move) failed(err error, slot time.Duration) {
	m.failures++
	m.helloed = m.helloed || endOf(err).token != ""
	if slot <= 0 {
		slot = backoff(m.failures)
	}
	m.timer.Reset(slot)
}

func (m *move) done() { *m = move{timer: m.timer} }

// blame keeps a device from taking itself for another: an attempt to move that
// failed after its Hello may be what superseded the old connection.
func (m *move) blame(e ending) ending {
	if e.code == wire.CloseSuperseded && m.helloed {
		e.code = 0
	}
	return e
}
