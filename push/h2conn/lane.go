package h2conn

import (
	"container/list"
	"slices"
	"time"
)

// Lane says which connections may carry a request.
type Lane int

const (
	// Main requests may take every connection, those of the lane Main first.
	Main Lane = iota
	// Side requests have a connection of their own: what the peer does to a
	// connection for the sake of such a request does not touch the others.
	Side

	lanes
)

// lane is a lane's connections and those who wait for one. It is guarded by the
// client's mu.
type lane struct {
	most    int     // connections
	conns   []*conn // those that take requests
	waiting list.List
	dialing bool

	// Of the last dial.
	failed   error // nil if it succeeded
	failedTo time.Time
}

// waiter is a request that waits for a connection.
type waiter struct {
	got chan grant // capacity 1
	at  *list.Element
}

// grant is a connection with a place reserved, or why there is none.
type grant struct {
	c   *conn
	err error
}

// pick reserves a place on the first connection that has one, so that few are
// in use, and forgets those that take no more requests.
func (l *lane) pick(only func(*conn) bool) (picked *conn, left []*conn) {
	l.conns = slices.DeleteFunc(l.conns, func(c *conn) bool {
		if picked != nil || !only(c) {
			return false
		}
		ok, usable := c.reserve()
		if ok {
			picked = c
		}
		if !usable {
			left = append(left, c)
		}
		return !usable
	})
	return picked, left
}

// grows reports whether those who wait need one more connection. None is opened
// while another one is new: it will have room for many.
func (l *lane) grows(now time.Time) bool {
	return l.waiting.Len() > 0 && !l.dialing && len(l.conns) < l.most && !now.Before(l.failedTo) &&
		!slices.ContainsFunc(l.conns, func(c *conn) bool { return !c.proven })
}

func (l *lane) wait() *waiter {
	w := &waiter{got: make(chan grant, 1)}
	w.at = l.waiting.PushBack(w)
	return w
}

// next grants the oldest waiter; there must be one.
func (l *lane) next(g grant) {
	w := l.waiting.Remove(l.waiting.Front()).(*waiter)
	w.at = nil
	w.got <- g
}

// fail tells everybody who waits that there will be no connection.
func (l *lane) fail(err error) {
	for l.waiting.Len() > 0 {
		l.next(grant{err: err})
	}
}
