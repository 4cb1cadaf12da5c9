package cells

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// A mirror is a router's copy of the bucket, in the order of its revisions:
// what an edge asks for is a part of that order. It is bounded: the networks
// of which nothing was heard for longest go first.
type mirror struct {
	// Static after newMirror.
	most int

	mu sync.Mutex
	// Guarded by mu.
	generation int64
	cells      map[heartbeat.Path]held
	// order has a line for each revision that was put, ascending. A
	// line whose revision is not its network's any more is void.
	order []line
	// newest is the last revision that was put.
	newest uint64
	// coming are new networks that this router writes and has not been told of
	// by the watch: they take room already.
	coming map[heartbeat.Path]bool
	// dropped counts networks that were forgotten for want of room.
	dropped int
}

// held is a cell as the bucket has it.
type held struct {
	revision uint64
	value    []byte // a StoredCell
}

type line struct {
	revision uint64
	path     heartbeat.Path
}

func newMirror(generation int64, most int) *mirror {
	return &mirror{
		most: most, generation: generation,
		cells: make(map[heartbeat.Path]held), coming: make(map[heartbeat.Path]bool),
	}
}

// put takes in a cell that was written. Only the watch does, which tells of
// revisions in their order: were a later one there first, an edge that took it
// would never ask for those before it.
func (m *mirror) put(p heartbeat.Path, h held) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.coming, p)
	if h.revision <= m.newest {
		return // told again
	}
	m.newest = h.revision
	m.cells[p] = h
	m.order = append(m.order, line{h.revision, p})
	for len(m.cells) > m.most {
		old, ok := m.oldestLocked()
		if !ok {
			break
		}
		delete(m.cells, old.path)
		m.dropped++
	}
	if len(m.order) > 2*len(m.cells)+64 {
		m.order = slices.DeleteFunc(m.order, m.void)
	}
}

// remove takes in that a cell was removed at that revision.
func (m *mirror) remove(p heartbeat.Path, revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removeLocked(p, revision)
}

func (m *mirror) removeLocked(p heartbeat.Path, revision uint64) {
	if have, ok := m.cells[p]; ok && have.revision < revision {
		delete(m.cells, p)
	}
}

func (m *mirror) void(l line) bool { return m.cells[l.path].revision != l.revision }

// oldestLocked is the cell that was written longest ago.
func (m *mirror) oldestLocked() (line, bool) {
	for i, l := range m.order {
		if !m.void(l) {
			m.order = m.order[i:]
			return l, true
		}
	}
	return line{}, false
}

// reserve takes room for a new network until release, or until the watch tells
// of it. Where there is none, it names a network to push out before; its
// revision is 0 where there is none of those either.
func (m *mirror) reserve(p heartbeat.Path) (out heartbeat.Path, h held, full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.cells)+len(m.coming) >= m.most && !m.coming[p] {
		l, _ := m.oldestLocked()
		return l.path, m.cells[l.path], true
	}
	m.coming[p] = true
	return out, h, false
}

// replace takes the room of a network that was pushed out at that revision for
// a new one.
func (m *mirror) replace(out heartbeat.Path, revision uint64, p heartbeat.Path) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removeLocked(out, revision)
	m.coming[p] = true
}

// release gives back the room of a network that was not written.
func (m *mirror) release(p heartbeat.Path) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.coming, p)
}

func (m *mirror) get(p heartbeat.Path) held {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cells[p]
}

func (m *mirror) count() (cells, dropped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.cells), m.dropped
}

// all returns a copy, the oldest cell first.
func (m *mirror) all() (paths []heartbeat.Path, values [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.order {
		if !m.void(l) {
			paths, values = append(paths, l.path), append(values, m.cells[l.path].value)
		}
	}
	return paths, values
}

// page fills in what follows a revision, as far as one answer takes it.
func (m *mirror) page(resp *linkpb.CellsResponse, generation int64, revision uint64) {
	paths, values := m.after(resp, generation, revision)
	for i, p := range paths {
		var stored linkpb.StoredCell
		if proto.Unmarshal(values[i], &stored) == nil { // it was read before it came here
			resp.Cells = append(resp.Cells, &linkpb.Cell{Network: p.Key(), Snapshot: stored.GetSnapshot()})
		}
	}
}

func (m *mirror) after(resp *linkpb.CellsResponse, generation int64, revision uint64) (paths []heartbeat.Path, values [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if generation != m.generation {
		revision = 0
	}
	resp.Generation, resp.Revision = m.generation, revision
	at, _ := slices.BinarySearchFunc(m.order, revision, func(l line, r uint64) int {
		if l.revision <= r {
			return -1
		}
		return 1
	})
	size := 0
	for ; at < len(m.order); at++ {
		l := m.order[at]
		if m.void(l) {
			continue
		}
		value := m.cells[l.path].value
		if len(paths) == pageCells || size+len(value) > pageBytes {
			resp.More = true
			return paths, values
		}
		paths, values, size = append(paths, l.path), append(values, value), size+len(value)
		resp.Revision = l.revision
	}
	return paths, values
}
