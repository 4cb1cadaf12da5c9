package table

const (
	chunkBits = 11
	chunkLen  = 1 << chunkBits
)

// slab holds records that have no pointers, by number from 1. It grows by
// chunks and never moves a record; what was given back is used again first.
type slab[T any] struct {
	chunks []*[chunkLen]T
	free   []uint32
	last   uint32
}

// at returns a record that was taken.
func (s *slab[T]) at(i uint32) *T { return &s.chunks[i>>chunkBits][i%chunkLen] }

// take returns the number of a record, which holds what it last held.
func (s *slab[T]) take() uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	s.last++
	if int(s.last>>chunkBits) == len(s.chunks) {
		s.chunks = append(s.chunks, new([chunkLen]T))
	}
	return s.last
}

func (s *slab[T]) give(i uint32) { s.free = append(s.free, i) }
