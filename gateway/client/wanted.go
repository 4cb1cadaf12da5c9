package client

import (
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// wanted is what is still to be fetched of one kind.
type wanted struct {
	version int64
	// ahead: the device may be ahead of the head, so ask even though it has
	// the version.
	ahead   bool
	heardAt time.Time
	// news has a token when an edge told of the kind since it was last taken up.
	// Never closed.
	news chan struct{}
}

// fetches holds the kinds that are being fetched, each by one worker. Newer
// versions replace older ones, so nothing queues up.
type fetches struct {
	mu sync.Mutex
	// Guarded by mu. At most wire.MaxKinds.
	kinds map[string]*wanted
	// dropped counts notifies of kinds for which there was no room.
	dropped int
}

// add notes a version and reports whether the kind needs a worker.
func (f *fetches) add(kind string, version int64, ahead bool) (start, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.kinds[kind]
	if w == nil {
		if len(f.kinds) >= wire.MaxKinds {
			f.dropped++
			return false, false
		}
		w, start = &wanted{news: make(chan struct{}, 1)}, true
		f.kinds[kind] = w
	}
	if version > w.version {
		w.version, w.heardAt = version, time.Now()
	}
	w.ahead = w.ahead || ahead
	select {
	case w.news <- struct{}{}:
	default:
	}
	return start, true
}

// take returns what to fetch next. Without anything the kind's worker is
// dismissed.
func (f *fetches) take(kind string, own int64) (wanted, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.kinds[kind]
	if w.version <= own && !w.ahead {
		delete(f.kinds, kind)
		return wanted{}, false
	}
	select {
	case <-w.news: // taken up here
	default:
	}
	out := *w
	w.ahead = false
	return out, true
}

// clear is for the end of Run, when no worker is left.
func (f *fetches) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.kinds)
}

// settle lowers what is wanted after a reset, unless a newer Notify came.
func (f *fetches) settle(kind string, was, head int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w := f.kinds[kind]; w != nil && w.version == was {
		w.version = head
	}
}
