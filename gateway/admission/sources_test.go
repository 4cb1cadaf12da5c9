package admission

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// Connections that are reset before they are accepted have no address. They
// are not one source.
func TestNoAddressIsNoSource(t *testing.T) {
	s := NewSources(Limits{UnfinishedPerAddress: 1})
	for range 3 {
		if got := s.Enter(&Place{}, netip.Addr{}); got != Admitted {
			t.Errorf("refused: %s", got)
		}
	}
}

func TestLimitsOfSources(t *testing.T) {
	type step struct {
		from string
		want Refusal
	}
	for name, c := range map[string]struct {
		limits Limits
		steps  []step
	}{
		"address": {Limits{UnfinishedPerAddress: 2}, []step{
			{"192.0.2.1", Admitted}, {"192.0.2.1", Admitted}, {"192.0.2.1", AddressUnfinished}, {"192.0.2.2", Admitted},
			{"::ffff:192.0.2.1", AddressUnfinished},
		}},
		"network": {Limits{UnfinishedPerNetwork: 2}, []step{
			{"192.0.2.1", Admitted}, {"192.0.2.2", Admitted}, {"192.0.2.3", NetworkUnfinished}, {"192.0.3.1", Admitted},
		}},
		"address of IPv6": {Limits{PerAddress: 2}, []step{
			{"2001:db8:1:1::1", Admitted}, {"2001:db8:1:1:ffff::2", Admitted}, {"2001:db8:1:1::3", AddressFull}, {"2001:db8:1:2::1", Admitted},
		}},
		"network of IPv6": {Limits{PerNetwork: 2}, []step{
			{"2001:db8:1:1::1", Admitted}, {"2001:db8:1:2::1", Admitted}, {"2001:db8:1:3::1", NetworkFull}, {"2001:db8:2:1::1", Admitted},
		}},
		"exempt": {Limits{PerAddress: 1, Exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, []step{
			{"10.1.2.3", Admitted}, {"10.1.2.3", Admitted}, {"::ffff:10.1.2.3", Admitted}, {"11.1.2.3", Admitted}, {"11.1.2.3", AddressFull},
		}},
		"none": {Limits{}, []step{{"192.0.2.1", Admitted}, {"192.0.2.1", Admitted}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSources(c.limits)
			for i, step := range c.steps {
				if got := s.Enter(&Place{}, netip.MustParseAddr(step.from)); got != step.want {
					t.Errorf("step %d: %s got %q, want %q", i, step.from, got, step.want)
				}
			}
		})
	}
}

// A source is to be verified from half of its unfinished connections on.
func TestCrowdedSource(t *testing.T) {
	s := NewSources(Limits{UnfinishedPerAddress: 4, UnfinishedPerNetwork: 6})
	one, neighbour, stranger := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.3.1")
	crowded := func(want ...bool) {
		t.Helper()
		for i, from := range []netip.Addr{one, neighbour, stranger} {
			if got := s.Crowded(from); got != want[i] {
				t.Errorf("%v is crowded: %t", from, got)
			}
		}
	}
	places := make([]Place, 3)
	s.Enter(&places[0], one)
	crowded(false, false, false)
	s.Enter(&places[1], one)
	crowded(true, false, false)
	s.Enter(&places[2], neighbour)
	crowded(true, true, false)
	for i := range places {
		s.Welcome(&places[i])
	}
	crowded(false, false, false)
}

// A device that is welcomed makes room for the next to shake hands, and one
// that leaves makes room altogether, however often it is said.
func TestPlacesComeBack(t *testing.T) {
	s := NewSources(Limits{UnfinishedPerAddress: 1, PerAddress: 2})
	from := netip.MustParseAddr("192.0.2.1")
	enter := func(want Refusal) *Place {
		t.Helper()
		p := &Place{}
		if got := s.Enter(p, from); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		return p
	}
	first := enter(Admitted)
	s.Leave(enter(AddressUnfinished)) // which took nothing
	s.Welcome(first)
	s.Welcome(first)
	second := enter(Admitted)
	s.Welcome(second)
	enter(AddressFull)
	s.Leave(first)
	s.Leave(first)
	s.Welcome(first)
	third := enter(Admitted)
	enter(AddressUnfinished)
	s.Leave(third)
	s.Leave(second)
	if s.counts != empty(s).counts || s.Unfinished() != 0 {
		t.Error("something is left")
	}
}

func empty(s *Sources) *Sources { return &Sources{limits: s.limits, seed: s.seed} }

// However many sources there are, they leave nothing behind, and hardly ever
// is one refused for what others do.
func TestManySources(t *testing.T) {
	s := NewSources(Limits{UnfinishedPerAddress: 8, UnfinishedPerNetwork: 16})
	random := rand.New(rand.NewPCG(1, 2))
	const sources = 5000
	places := make([]Place, sources)
	refused := 0
	for i := range places {
		from := netip.AddrFrom4([4]byte{byte(i >> 8), byte(i), byte(random.Uint32()), 1})
		if random.IntN(2) == 0 {
			from = netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::%x", i, random.Uint32()&0xffff))
		}
		if s.Enter(&places[i], from) != Admitted {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("%d of %d sources with one connection each were refused", refused, sources)
	}
	for i := range places {
		s.Welcome(&places[i])
		s.Leave(&places[i])
	}
	if s.counts != empty(s).counts || s.unfinished != 0 {
		t.Error("something is left")
	}
}

func BenchmarkSources(b *testing.B) {
	s := NewSources(Limits{UnfinishedPerAddress: 8, UnfinishedPerNetwork: 16})
	from := netip.MustParseAddr("2001:db8::1")
	for b.Loop() {
		var p Place
		s.Enter(&p, from)
		s.Welcome(&p)
		s.Leave(&p)
	}
}
