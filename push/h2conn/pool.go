package h2conn

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// acquire returns a connection on which one request is reserved.
func (cl *Client) acquire(ctx context.Context, l Lane) (*conn, error) {
	cl.mu.Lock()
	if cl.closed {
		cl.mu.Unlock()
		return nil, ErrClosed
	}
	ln := &cl.lanes[l]
	if ln.waiting.Len() == 0 {
		if c := cl.pickLocked(l); c != nil {
			cl.mu.Unlock()
			return c, nil
		}
	}
	w := ln.wait()
	cl.growLocked(l)
	cl.mu.Unlock()
	select {
	case g := <-w.got:
		return g.c, g.err
	case <-ctx.Done():
		cl.giveUp(ln, w)
		return nil, fmt.Errorf("h2conn: waiting for %s: %w", cl.cfg.Addr, ctx.Err())
	}
}

// giveUp ends a wait, and returns what was granted at the same moment.
func (cl *Client) giveUp(ln *lane, w *waiter) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if w.at != nil {
		ln.waiting.Remove(w.at)
		return
	}
	if g := <-w.got; g.c != nil {
		g.c.cc.Release()
		cl.returnLocked(g.c)
	}
}

// pickLocked reserves a place, nil if there is none. Requests of Main use what
// is free on Side before one more connection is opened.
func (cl *Client) pickLocked(l Lane) *conn {
	c, left := cl.lanes[l].pick(func(*conn) bool { return true })
	if m := &cl.lanes[Main]; c == nil && l == Main && (m.dialing || len(m.conns) > 0) {
		var more []*conn
		c, more = cl.lanes[Side].pick(func(c *conn) bool { return c.proven })
		left = append(left, more...)
	}
	for _, c := range left {
		cl.dropLocked(c)
	}
	return c
}

// serveLocked gives places that became free to those who wait.
func (cl *Client) serveLocked() {
	for l := range lanes {
		for ln := &cl.lanes[l]; ln.waiting.Len() > 0; {
			c := cl.pickLocked(l)
			if c == nil {
				cl.growLocked(l)
				break
			}
			ln.next(grant{c: c})
		}
	}
}

// growLocked opens one more connection where one is needed. Where there is none
// and the last dial failed just now, those who wait hear that.
func (cl *Client) growLocked(l Lane) {
	ln := &cl.lanes[l]
	switch {
	case cl.closed:
	case ln.grows(time.Now()):
		ln.dialing = true
		cl.work.Go(func() { cl.dial(l) })
	case len(ln.conns) == 0 && !ln.dialing:
		ln.fail(ln.failed)
	}
}

func (cl *Client) dial(l Lane) {
	ctx, cancel := context.WithTimeout(cl.ctx, dialTimeout)
	defer cancel()
	cc, err := cl.transport.NewClientConn(ctx, "https", cl.cfg.Addr)
	cl.mu.Lock()
	defer cl.mu.Unlock()
	ln := &cl.lanes[l]
	ln.dialing = false
	switch {
	case cl.closed:
		if err == nil {
			_ = cc.Close()
		}
	case err != nil:
		cl.failedLocked(ln, fmt.Errorf("h2conn: connecting to %s: %w", cl.cfg.Addr, err))
	default:
		ln.failed = nil
		c := &conn{cc: cc, lane: l, room: 1}
		cl.open[c] = struct{}{}
		ln.conns = append(ln.conns, c)
		cl.serveLocked()
	}
}

// failedLocked answers everybody who waits for the connection that did not come
// about. Where there are others, they wait for those.
func (cl *Client) failedLocked(ln *lane, err error) {
	if ln.failed == nil {
		cl.cfg.Log.Warn("no connection to a push service; its pushes wait", "error", err)
	}
	ln.failed, ln.failedTo = err, time.Now().Add(dialPause)
	if len(ln.conns) == 0 {
		ln.fail(err)
	}
}

// release gives a request's place back; a is nil if it had no answer, late set if
// that is for its time being over.
func (cl *Client) release(c *conn, a *Answer, late bool) {
	leave := a != nil && cl.cfg.Leaves != nil && cl.cfg.Leaves(a)
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if !c.proven && a != nil && a.Status == http.StatusOK {
		c.proven = true
		c.widen()
	}
	if leave || c.silentFor(a, late) || (a == nil && c.cc.Err() != nil) {
		cl.leaveLocked(c)
	}
	cl.returnLocked(c)
}

func (cl *Client) returnLocked(c *conn) {
	c.inUse--
	if !slices.Contains(cl.lanes[c.lane].conns, c) {
		cl.dropLocked(c)
	}
	cl.serveLocked()
}

// leaveLocked has a connection take no more requests.
func (cl *Client) leaveLocked(c *conn) {
	ln := &cl.lanes[c.lane]
	ln.conns = slices.DeleteFunc(ln.conns, func(o *conn) bool { return o == c })
}

// dropLocked closes a connection that takes no more requests once its last one
// has ended.
func (cl *Client) dropLocked(c *conn) {
	if _, open := cl.open[c]; !open || c.inUse > 0 {
		return
	}
	delete(cl.open, c)
	cl.work.Go(func() { _ = c.cc.Close() }) // it says goodbye, which may take a moment
}
