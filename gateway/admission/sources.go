package admission

import (
	"hash/maphash"
	"net/netip"
	"sync"
)

// Limits bound the connections of one source. 0: no bound.
//
// An address is one of IPv4, or a /64 of IPv6, which is what one subscriber is
// given. A network is a /24 of IPv4 or a /48 of IPv6. Many subscribers of a
// carrier can share one address of IPv4.
type Limits struct {
	// UnfinishedPerAddress and UnfinishedPerNetwork bound the connections that
	// are not welcomed yet.
	UnfinishedPerAddress, UnfinishedPerNetwork int
	// PerAddress and PerNetwork bound all connections.
	PerAddress, PerNetwork int
	// Exempt sources are not counted.
	Exempt []netip.Prefix
}

// A Refusal is why a source gets no more connections.
type Refusal string

// The refusals. They are values of a label.
const (
	Admitted          Refusal = ""
	AddressUnfinished Refusal = "address_unfinished"
	NetworkUnfinished Refusal = "network_unfinished"
	AddressFull       Refusal = "address_full"
	NetworkFull       Refusal = "network_full"
)

// Refusals returns every one of them.
func Refusals() []Refusal {
	return []Refusal{AddressUnfinished, NetworkUnfinished, AddressFull, NetworkFull}
}

// Sources counts connections by where they come from, in a fixed amount of
// memory, however many sources there are: a source has a counter in each of
// two rows, chosen by hashes that only this process knows, which it may share
// with others, and the lower one counts. So a source may be taken to have a few
// more connections than it has, hardly ever many more, and never fewer. It is
// safe for concurrent use. Nil counts nothing and refuses nobody.
type Sources struct {
	// Static after construction.
	limits Limits
	seed   maphash.Seed

	mu sync.Mutex
	// Guarded by mu. The first two rows are of addresses, the others of
	// networks.
	counts     [4][counters]count
	unfinished int
}

// counters is the number of counters in a row: with a million connections
// some sixty share one, far below the bounds that are sensible for so many.
const counters = 1 << 14

type count struct{ all, unfinished uint32 }

// A Place is what a connection takes up. Only Sources changes it. The zero
// Place takes up nothing.
type Place struct {
	at    [4]uint16
	state state
}

type state uint8

const (
	outside state = iota // also after Leave
	uncounted
	unfinished
	welcomed
)

// NewSources returns counters with nobody in them.
func NewSources(l Limits) *Sources { return &Sources{limits: l, seed: maphash.MakeSeed()} }

// Enter counts a connection that is not welcomed yet in p, which has to be the
// zero Place, or refuses it. Leave must follow if it does not.
func (s *Sources) Enter(p *Place, from netip.Addr) Refusal {
	if s == nil {
		return Admitted
	}
	from = from.Unmap()
	at, known := s.locate(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !known {
		s.unfinished++
		p.state = uncounted
		return Admitted
	}
	if r := s.refusalLocked(at); r != Admitted {
		return r
	}
	s.unfinished++
	p.at, p.state = at, unfinished
	for row, i := range at {
		s.counts[row][i].all++
		s.counts[row][i].unfinished++
	}
	return Admitted
}

// Welcome says that the connection's device is known. It does nothing to a
// connection that has left.
func (s *Sources) Welcome(p *Place) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finishLocked(p)
}

// finishLocked takes a connection out of the unfinished ones.
func (s *Sources) finishLocked(p *Place) {
	switch p.state {
	case unfinished:
		for row, i := range p.at {
			s.counts[row][i].unfinished--
		}
		p.state = welcomed
		s.unfinished--
	case uncounted:
		p.state = outside
		s.unfinished--
	}
}

// Leave says that the connection is over. Once is enough.
func (s *Sources) Leave(p *Place) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finishLocked(p)
	if p.state == welcomed {
		for row, i := range p.at {
			s.counts[row][i].all--
		}
		p.state = outside
	}
}

// Crowded reports whether a source has half of the unfinished connections that
// it may have: over UDP it is time to ask whether it is that source at all, or
// somebody who wants it to be refused.
func (s *Sources) Crowded(from netip.Addr) bool {
	if s == nil {
		return false
	}
	at, counted := s.locate(from.Unmap())
	if !counted {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return reached(2*s.leastLocked(0, at).unfinished, s.limits.UnfinishedPerAddress) ||
		reached(2*s.leastLocked(2, at).unfinished, s.limits.UnfinishedPerNetwork)
}

// Unfinished is how many connections are not welcomed yet.
func (s *Sources) Unfinished() int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unfinished
}

func (s *Sources) refusalLocked(at [4]uint16) Refusal {
	address := s.leastLocked(0, at)
	network := s.leastLocked(2, at)
	switch l := s.limits; {
	case reached(address.unfinished, l.UnfinishedPerAddress):
		return AddressUnfinished
	case reached(network.unfinished, l.UnfinishedPerNetwork):
		return NetworkUnfinished
	case reached(address.all, l.PerAddress):
		return AddressFull
	case reached(network.all, l.PerNetwork):
		return NetworkFull
	}
	return Admitted
}

// leastLocked is what the rows from row on and its neighbour agree on.
func (s *Sources) leastLocked(row int, at [4]uint16) count {
	a, b := s.counts[row][at[row]], s.counts[row+1][at[row+1]]
	return count{min(a.all, b.all), min(a.unfinished, b.unfinished)}
}

func reached(n uint32, limit int) bool { return limit > 0 && int64(n) >= int64(limit) }

// The lengths of the prefixes that are counted.
const (
	network4 = 24
	address6 = 64
	network6 = 48
)

// locate returns a source's counters, false for one that is exempt.
func (s *Sources) locate(from netip.Addr) (at [4]uint16, counted bool) {
	if !from.IsValid() {
		return at, false // the connection was gone before anybody could ask
	}
	from = from.WithZone("")
	for _, p := range s.limits.Exempt {
		if p.Contains(from) {
			return at, false
		}
	}
	address, network := 32, network4
	if from.Is6() {
		address, network = address6, network6
	}
	for i, bits := range []int{address, network} {
		prefix, err := from.Prefix(bits)
		if err != nil {
			return at, false // never: the bits suit the address
		}
		hash := maphash.Comparable(s.seed, prefix)
		at[2*i], at[2*i+1] = uint16(hash%counters), uint16(hash>>32%counters)
	}
	return at, true
}
