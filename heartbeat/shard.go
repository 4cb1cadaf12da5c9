package heartbeat

import "sync"

const (
	shards    = 64
	slotBits  = 14
	shardBits = 7 // the shards, and behind them one for each parent
	maxCells  = shards << slotBits
)

// shard holds a part of the cells. A parent has one of its own.
type shard struct {
	mu sync.Mutex

	// Guarded by mu.
	slots          []*cell
	byPath         map[Path]int32
	newest, oldest int32
	room           int // of slots
	evicted        int64
}

func (s *shard) init(room int) {
	s.byPath = map[Path]int32{}
	s.newest, s.oldest, s.room = -1, -1, room
}

// find returns the slot of a path, a new one if need be, and makes it the
// newest.
func (s *shard) find(p Path, now float64) int32 {
	if i, ok := s.byPath[p]; ok {
		s.touch(i, now)
		return i
	}
	i := int32(len(s.slots))
	if len(s.slots) < s.room {
		s.slots = append(s.slots, &cell{})
	} else {
		i = s.oldest
		s.unlink(i)
		delete(s.byPath, s.slots[i].path)
		s.evicted++
	}
	c := s.slots[i]
	*c = cell{path: p, generation: c.generation + 1, aged: now, touched: now, exported: -1, class: p.Network == Network{}}
	s.byPath[p] = i
	s.link(i)
	return i
}

// spare reports whether find pushes out no network that has connections.
func (s *shard) spare(p Path) bool {
	_, known := s.byPath[p]
	return known || len(s.slots) < s.room || s.slots[s.oldest].live == 0
}

func (s *shard) touch(i int32, now float64) {
	s.slots[i].touched = now
	if s.newest != i {
		s.unlink(i)
		s.link(i)
	}
}

func (s *shard) link(i int32) {
	c := s.slots[i]
	c.newer, c.older = -1, s.newest
	if s.newest >= 0 {
		s.slots[s.newest].newer = i
	} else {
		s.oldest = i
	}
	s.newest = i
}

func (s *shard) unlink(i int32) {
	c := s.slots[i]
	if c.newer >= 0 {
		s.slots[c.newer].older = c.older
	} else {
		s.newest = c.older
	}
	if c.older >= 0 {
		s.slots[c.older].newer = c.newer
	} else {
		s.oldest = c.newer
	}
}

// A view's cell: the shard, the slot in it, and the lowest bits of the slot's
// generation.
const generationBits = 32 - shardBits - slotBits

func handle(shard int, slot int32, generation uint16) uint32 {
	return uint32(shard)<<(32-shardBits) | uint32(slot)<<generationBits | uint32(generation)&(1<<generationBits-1)
}

func (v *View) shard() int  { return int(v.cell >> (32 - shardBits)) }
func (v *View) slot() int32 { return int32(v.cell >> generationBits & (1<<slotBits - 1)) }

// cell is the view's, nil where its slot has gone to another network.
func (s *shard) cell(v *View) *cell {
	i := v.slot()
	if int(i) >= len(s.slots) {
		return nil
	}
	c := s.slots[i]
	if uint32(c.generation)&(1<<generationBits-1) != v.cell&(1<<generationBits-1) {
		return nil
	}
	return c
}
