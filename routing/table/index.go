package table

import "slices"

// index finds records by the hash of their key. It is pointer-free open
// addressing: a cell holds 32 bits of the hash, its tag, and a record's
// number. Whoever searches compares the record itself; equal tags are only
// candidates.
//
// Cells stand in the order of their tags, each at the place that its tag is
// due or after it. So a search ends at the first greater tag even where the
// array is 85 % full, and an array grows in one pass from front to back,
// without a look at any record. There are several arrays, and only one of
// them grows at a time: that is the longest pause.
//
// Hashes are keyed with a secret of the process: nobody outside can choose
// names that meet in one place.
type index struct {
	shards []shard
	shift  uint
}

// shard is one array of cells.
type shard struct {
	cells []cell
	// homes is the number of places that tags are due at; cells is longer,
	// so that none has to wrap around.
	homes uint64
	n     int
}

// cell is a tag in the upper half and a record's number in the lower; 0 is
// an empty cell, since records are numbered from 1.
type cell uint64

func newCell(hash uint64, ref uint32) cell { return cell(hash<<32) | cell(ref) }

func (c cell) tag() uint32 { return uint32(c >> 32) }
func (c cell) ref() uint32 { return uint32(c) }

// The load at which a shard grows, and by how much: memory is between 9.4 and
// 10.9 bytes an entry.
const (
	fullNum, fullDen = 17, 20
	growNum, growDen = 23, 20
	minHomes         = 8
)

// newIndex returns an index of 2^bits shards.
func newIndex(bits uint) index { return index{shards: make([]shard, 1<<bits), shift: 64 - bits} }

// shard returns the shard of a hash: by its upper bits, since the lower ones
// are the tag.
func (x *index) shard(hash uint64) *shard { return &x.shards[hash>>x.shift] }

// touch reads where a search for a hash begins.
func (x *index) touch(hash uint64) cell {
	sh := x.shard(hash)
	if len(sh.cells) == 0 {
		return 0
	}
	return sh.cells[sh.home(uint32(hash))]
}

func (s *shard) home(tag uint32) int { return int(uint64(tag) * s.homes >> 32) }

// first returns the place of the first cell of a tag, or of where it belongs.
func (s *shard) first(tag uint32) int {
	i := s.home(tag)
	for i < len(s.cells) && s.cells[i] != 0 && s.cells[i].tag() < tag {
		i++
	}
	return i
}

// candidate returns the cell at a place if it is one of the tag, or 0. The
// places to look at are first's and those after it.
func (s *shard) candidate(i int, tag uint32) cell {
	if i < len(s.cells) && s.cells[i].tag() == tag {
		return s.cells[i] // the tag 0 meets empty cells, which are 0
	}
	return 0
}

// place returns where the cell with a tag and a record's number stands.
func (s *shard) place(c cell) int {
	for i := s.first(c.tag()); s.candidate(i, c.tag()) != 0; i++ {
		if s.cells[i] == c {
			return i
		}
	}
	return -1
}

func (s *shard) insert(c cell) {
	if uint64(s.n+1)*fullDen > s.homes*fullNum {
		s.grow()
	}
	for !s.tryInsert(c) {
		s.grow()
	}
	s.n++
}

func (s *shard) tryInsert(c cell) bool {
	i := s.first(c.tag())
	end := i
	for end < len(s.cells) && s.cells[end] != 0 {
		end++
	}
	if end == len(s.cells) {
		return false
	}
	copy(s.cells[i+1:end+1], s.cells[i:end])
	s.cells[i] = c
	return true
}

// delete empties a place, and moves up those that stand after it because of it.
func (s *shard) delete(i int) {
	end := i + 1
	for end < len(s.cells) && s.cells[end] != 0 && s.home(s.cells[end].tag()) < end {
		end++
	}
	copy(s.cells[i:], s.cells[i+1:end])
	s.cells[end-1] = 0
	s.n--
}

func (s *shard) grow() {
	for homes := max(s.homes*growNum/growDen, minHomes); ; homes += homes / 8 {
		if cells, ok := s.spread(&homes); ok {
			s.cells, s.homes = cells, homes
			return
		}
	}
}

// spread lays the cells out anew for at least the given number of homes.
func (s *shard) spread(homes *uint64) ([]cell, bool) {
	spare := 8 + *homes/64
	cells := slices.Grow([]cell(nil), int(*homes+spare))
	cells = cells[:cap(cells)] // all that the allocator gives
	*homes = uint64(len(cells)) - spare
	next := 0
	for _, c := range s.cells {
		if c == 0 {
			continue
		}
		i := max(next, int(uint64(c.tag())**homes>>32))
		if i >= len(cells) {
			return nil, false
		}
		cells[i] = c
		next = i + 1
	}
	return cells, true
}
