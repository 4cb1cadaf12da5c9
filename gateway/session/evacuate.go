package session

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// evacuateGrace is how long a device that is asked to move is promised to be
// served. Whoever cannot move is in fact served for as long as it stays.
const evacuateGrace = 10 * time.Minute

// Evacuate asks the devices to move elsewhere, evenly over spread, because
// this edge is cut off from the routers and others are not. It closes nobody:
// a device that cannot reach another edge is better off here than nowhere.
// Until ctx ends new devices are closed with 3003 and the remaining ones are
// asked; those that were not asked by then stay. It returns, when ctx ends,
// how many were asked. Only one call may be under way.
func (srv *Server) Evacuate(ctx context.Context, spread time.Duration) (asked int) {
	srv.evacuating.Store(true)
	defer srv.evacuating.Store(false)
	waiting := srv.hub.all()
	for start := time.Now(); asked < len(waiting) && ctx.Err() == nil; sleep.For(ctx, drainStep) {
		due := len(waiting)
		if passed := time.Since(start); passed < spread {
			due = int(float64(len(waiting)) * float64(passed) / float64(spread))
		}
		for ; asked < due; asked++ {
			waiting[asked].goAway(evacuateGrace, "the edge is cut off")
		}
	}
	<-ctx.Done()
	return asked
}
