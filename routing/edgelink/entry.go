package edgelink

import (
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// origin is what many sessions have in common.
type origin struct{ tenant, platform string }

// maxOrigins bounds those that are remembered.
const maxOrigins = 4096

// entry is a session in the table; there are as many as connections, so it is
// small. What it says of the session does not change while it is in a snapshot:
// a change of background makes a new entry.
type entry struct {
	conn         uint64
	from         *origin
	user, device string
	epoch        int64
	// need is the number of the batch that told of the session; 0: not yet.
	need uint64
	// changed: the session waits in changes.
	changed bool
	// gone: the session ended, and routers are still to be told.
	gone bool
	// hidden: never told, see Config.DropBatch.
	hidden bool
	// queued: the session waits for echoes or to be asked for.
	queued bool
	// sweeping: the running sweep has yet to reach the session, unless it is
	// asked for before.
	sweeping   bool
	verified   bool
	background bool
	// dump is the number of the last one that the session is in.
	dump uint32
}

func (e *entry) session() Session {
	return Session{
		Conn: e.conn, Tenant: e.from.tenant, User: e.user, Device: e.device,
		Epoch: e.epoch, Background: e.background, Platform: e.from.platform,
	}
}

func (e *entry) sum() uint64 {
	return sessionsum.Of(e.conn, e.from.tenant, e.user, e.device, e.epoch)
}

// size is about the session's size in a message.
func (e *entry) size() int { return 32 + len(e.from.tenant) + len(e.user) + len(e.device) }

func (e *entry) proto() *linkpb.Session {
	return &linkpb.Session{
		Conn: e.conn, Tenant: e.from.tenant, User: e.user, Device: e.device,
		Epoch: e.epoch, Background: e.background, Platform: e.from.platform,
	}
}
