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
	// silent is how many requests in a row had no answer in time.
	silent int
}

// maxSilent requests in a row without an answer in time, or one on a connection
// that is not proven, and it is left: what takes requests and pings and answers
// nothing may be one machine of many behind the address.
const maxSilent = 5

// silentFor takes note of how a request ended, and reports whether the connection
// is to be left for its silence.
func (c *conn) silentFor(a *Answer, late bool) bool {
	switch {
	case a != nil:
		c.silent = 0
	case late:
		c.silent++
	}
	return c.silent >= maxSilent || c.silent > 0 && !c.proven
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
