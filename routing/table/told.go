package table

import (
	"slices"

	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// told is a session as an edge tells of it.
type told struct {
	conn       uint64
	epoch      int64
	device     DeviceID
	background bool
	platform   string

	// Set by prepare; fit says that the names are names, sum is the session's
	// share in its edge's checksum.
	connHash uint64
	sum      uint64
	seek     seek
	fit      bool
}

func toldBy(p *linkpb.Session) told {
	return told{conn: p.GetConn(), epoch: p.GetEpoch(), device: ID(p.GetTenant(), p.GetUser(), p.GetDevice()), background: p.GetBackground(), platform: p.GetPlatform()}
}

// prepare computes what it takes to find the sessions of a slot, and has the
// processor fetch the places where they will be looked for: all at once, since
// each of them is far away in a large table. It holds the sessions' tenants
// until done.
func (t *Table) prepare(sl *slot, sessions []told) {
	for i := range sessions {
		p := &sessions[i]
		p.connHash = t.hashConn(p.conn)
		if p.fit = t.seekNew(&p.seek, p.device); p.fit {
			t.tenants.hold(p.seek.tenant)
		}
	}
	t.sumUp(sessions)
	var touched cell
	for i := range sessions { // a short loop, so that many reads are under way
		touched ^= sl.conns.touch(sessions[i].connHash) ^ t.users.touch(sessions[i].seek.hash)
	}
	t.touched = touched // or the compiler would leave the reads out
}

// done ends what prepare began.
func (t *Table) done(sessions []told) {
	for i := range sessions {
		if sessions[i].fit {
			t.tenants.release(sessions[i].seek.tenant)
		}
	}
}

func (t *Table) sumUp(sessions []told) {
	t.sums = slices.Grow(t.sums[:0], len(sessions))[:len(sessions)]
	t.summer.Of(t.sums, func(i int) sessionsum.Session {
		p := &sessions[i]
		return sessionsum.Session{Conn: p.conn, Tenant: p.device.Tenant, User: p.device.User, Device: p.device.Device, Epoch: p.epoch}
	})
	for i, sum := range t.sums {
		sessions[i].sum = sum
	}
}
