package admission

import "time"

// seenMost bounds what is remembered of each of two periods: half a MiB in all.
const seenMost = 1 << 14

// seen remembers the slots that were used, for one period at least, in two
// generations. Where that is too many the oldest go first: one that is used
// without end is known again until so many others were. It is not safe for
// concurrent use.
type seen struct {
	// Static after construction.
	period time.Duration

	now, before map[uint64]struct{}
	turn        time.Time // when the present generation is over
	forgotten   uint64    // slots before their time, for lack of room
}

// has reports whether an id was added.
func (s *seen) has(id uint64) bool {
	_, now := s.now[id]
	_, before := s.before[id]
	return now || before
}

func (s *seen) add(now time.Time, id uint64) {
	if over := !now.Before(s.turn); over || len(s.now) >= seenMost {
		if !over {
			s.forgotten += uint64(len(s.before))
		}
		s.before, s.now = s.now, map[uint64]struct{}{}
		s.turn = now.Add(s.period)
	}
	s.now[id] = struct{}{}
}
