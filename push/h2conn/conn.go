package h2conn

import "net/http"

// conn is a connection. Its fields are guarded by the client's mu.
type conn struct {
	cc     *http.ClientConn
	proven bool // a request was answered with 200
	inUse  int
	limit  int // of the peer, as last seen while there was room
}

// room is how many requests the connection may carry now. Close to the peer's
// limit requests would wait inside the library, where no end of another
// request can free them. A connection that the peer is closing has no room at
// all to the library; here it keeps its last limit, so that the next
// reservation fails and another connection is opened.
func (c *conn) room() int {
	if !c.proven {
		return 1
	}
	if free := c.cc.Available(); free > 0 {
		c.limit = free + c.cc.InFlight()
	}
	return max(1, min(maxInFlight, c.limit*9/10))
}
