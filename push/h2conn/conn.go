package h2conn

import "net/http"

// conn is a connection. Its fields are guarded by the client's mu.
type conn struct {
	cc     *http.ClientConn
	lane   Lane
	proven bool // a request was answered with 200
	// credential of its last request.
	credential credential
	inUse      int
	// room is how many requests it may carry: 1 until it is proven, then 90 %
	// of the peer's limit as last seen. Close to that limit requests would wait
	// inside the library, where no end of another request can free them.
	room int
}

// reserve takes a place on the connection. It reports false where there is
// none, usable says whether there may be one later.
func (c *conn) reserve() (ok, usable bool) {
	if c.inUse >= c.room {
		c.widen()
	}
	if c.inUse >= c.room {
		return false, true
	}
	if c.cc.Reserve() == nil {
		c.inUse++
		return true, true
	}
	// It ended, the peer is closing it, or the peer's limit fell below what is
	// in use. The library does not say which of the last two; once nothing is in
	// use it can only be closing. A bad token makes the limit of the side lane
	// fall: that connection is kept until then.
	return false, c.cc.Err() == nil && c.lane == Side && c.inUse > 0
}

// widen reads the peer's limit anew.
func (c *conn) widen() {
	if !c.proven {
		return
	}
	if free := c.cc.Available(); free > 0 {
		c.room = max(1, min(maxInFlight, (free+c.cc.InFlight())*9/10))
	}
}
