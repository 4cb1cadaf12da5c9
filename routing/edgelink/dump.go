package edgelink

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// flushParts is after how many parts of a dump the server is waited for, so
// that a dump of a million sessions does not fill its buffers.
const flushParts = 64

type dumpRequest struct {
	router string
	id     uint64
}

// dumpQueue holds the newest request of each router.
type dumpQueue struct {
	mu sync.Mutex
	// Guarded by mu.
	waiting map[string]dumpRequest
}

func (q *dumpQueue) push(r dumpRequest) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.waiting[r.router]; !ok && len(q.waiting) >= maxRouters {
		return false
	}
	q.waiting[r.router] = r
	return true
}

func (q *dumpQueue) pop() (dumpRequest, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for name, r := range q.waiting {
		delete(q.waiting, name)
		return r, true
	}
	return dumpRequest{}, false
}

// onDumpRequest counts the router as present before the dump is made: no
// session that the dump may miss is verified without the router.
func (l *Link) onDumpRequest(subject string, m *linkpb.DumpRequest) {
	if !wire.ValidID(m.GetRouter()) {
		l.malformed(subject, "router")
		return
	}
	l.mu.Lock()
	ok := l.presence.asks(m.GetRouter(), m.GetRouterIncarnation(), time.Now())
	l.mu.Unlock()
	if !ok || !l.dumps.push(dumpRequest{m.GetRouter(), m.GetDumpId()}) {
		l.metrics.dropped.WithLabelValues(dropDumps).Inc()
		return
	}
	signal(l.dumpC)
}

// dumpAll answers requests one after the other. A dump that fails half-way
// is not repeated: the router asks again.
func (l *Link) dumpAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.dumpC:
		}
		for {
			r, ok := l.dumps.pop()
			if !ok || ctx.Err() != nil {
				break
			}
			l.dump(ctx, r)
		}
	}
}

func (l *Link) dump(ctx context.Context, r dumpRequest) {
	l.mu.Lock()
	entries, seq, ok := l.table.snapshot()
	l.mu.Unlock()
	if !ok {
		// Routers will see a gap, and ask again.
		l.metrics.dropped.WithLabelValues(dropDumps).Inc()
		return
	}

	subject := routing.DumpSubject(r.router, l.cfg.Edge)
	for part := uint32(0); ; part++ {
		m := &linkpb.SessionDump{
			Edge: l.cfg.Edge, Incarnation: l.cfg.Incarnation, Seq: seq, DumpId: r.id, Part: part,
		}
		entries = fill(m, entries)
		m.Last = len(entries) == 0
		if err := l.sendPart(ctx, subject, m); err != nil {
			l.log.Warn("dump broke off, the router will ask again", "router", r.router, "error", err)
			return
		}
		if m.Last {
			l.metrics.dumps.Inc()
			return
		}
	}
}

// fill moves one message's worth of sessions into m and returns the rest.
func fill(m *linkpb.SessionDump, entries []*entry) []*entry {
	n := 0
	for size := 0; n < len(entries) && size < maxMessage; n++ {
		size += entries[n].size()
		m.Sessions = append(m.Sessions, entries[n].proto())
	}
	return entries[n:]
}

func (l *Link) sendPart(ctx context.Context, subject string, m *linkpb.SessionDump) error {
	data, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	if err := l.cfg.Conn.Publish(subject, data); err != nil {
		return err
	}
	if m.GetPart()%flushParts != flushParts-1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return l.cfg.Conn.FlushWithContext(ctx)
}
