package devicelimit

// memory keeps when each device will be free of what it was sent, in Unix
// nanoseconds, under a hash of its token. One that is free is as good as unknown,
// so that its place is anybody's: the memory is as large as many devices are not.
type memory struct {
	sets []set // a power of two
	most int   // sets
}

// set is where a device may be: tags that share a cache line, so that one that
// is not there costs one look at memory.
type set struct {
	device [ways]uint64
	free   [ways]int64
}

const (
	ways = 8
	// fewest sets: 2 KiB.
	fewest = 16
)

// newMemory returns one for most devices, or somewhat more.
func newMemory(most int) *memory {
	m := &memory{sets: make([]set, fewest), most: fewest}
	for m.most*ways < most {
		m.most *= 2
	}
	return m
}

func (m *memory) of(device uint64) *set { return &m.sets[device&uint64(len(m.sets)-1)] }

// free returns when a device is free, 0 if it is not known.
func (m *memory) free(device uint64) int64 {
	s := m.of(device)
	for i, d := range s.device {
		if d == device {
			return s.free[i]
		}
	}
	return 0
}

// put notes when a device is free. Where there is no room, and can be none, the
// one that is free the soonest of those beside it is forgotten.
func (m *memory) put(device uint64, free, now int64) {
	s := m.of(device)
	i := s.place(device)
	for s.device[i] != device && s.free[i] > now && len(m.sets) < m.most {
		m.grow(now)
		s = m.of(device)
		i = s.place(device)
	}
	s.device[i], s.free[i] = device, free
}

// place is where a device is, or else where the one is that is free the soonest.
func (s *set) place(device uint64) (soonest int) {
	for i, d := range s.device {
		if d == device {
			return i
		}
		if s.free[i] < s.free[soonest] {
			soonest = i
		}
	}
	return soonest
}

// grow doubles the room and leaves out who is free. What was in one set goes
// into two, so that there is room for all.
func (m *memory) grow(now int64) {
	old := m.sets
	m.sets = make([]set, 2*len(old))
	for _, s := range old {
		for i, d := range s.device {
			if s.free[i] > now {
				m.put(d, s.free[i], now)
			}
		}
	}
}
