package pushtest

import (
	"sync/atomic"
)

// connMemory is what a service remembers of one connection.
type connMemory struct {
	// Static after construction.
	conn *frameConn

	// overran counts streams that the peer opened above its limit.
	overran atomic.Int64
}
