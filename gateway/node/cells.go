package node

import (
	"github.com/hawser-edge/hawser/routing/cells"
)

// cellBytes is more than a network takes in the bucket, on average.
const cellBytes = 2 << 10

// newKeeper makes the router's part of sharing what edges learn of networks.
func newKeeper(p parts, r *routerRole) (*cells.Keeper, error) {
	r.streams.CellsMaxBytes = int64(p.cfg.Router.MaxNetworks) * cellBytes
	return cells.NewKeeper(cells.KeeperConfig{
		Router: p.cfg.Name, Conn: r.nc, JS: r.js, Streams: r.streams, Networks: p.cfg.Router.MaxNetworks,
		Sessions: r.router.SessionsOf,
		// While it does not know all sessions it does not know what their edges
		// can have seen.
		Sure: r.router.Ready,
		Now:  p.clock, Log: p.log, Registerer: p.registry,
	})
}

// newSharer makes the edge's part: none where the edge's time passes faster than
// the others', whose silences are not its own.
func newSharer(p parts, e *edgeRole) (*cells.Sharer, error) {
	if p.cfg.Edge.Heartbeat.TimeScale != 1 {
		return nil, nil
	}
	return cells.NewSharer(cells.SharerConfig{
		Edge: p.cfg.Name, Incarnation: p.started.UnixMilli(), Conn: e.nc,
		Router: e.link.Router, Learner: e.heart, Every: p.cfg.Edge.Heartbeat.ShareEvery,
		Now: p.clock, Log: p.log, Registerer: p.registry,
	})
}
