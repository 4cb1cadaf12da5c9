package memory

import (
	"runtime"
	"testing"
	"time"
)

// A part of the table: so many seconds in which so much is allocated each, for
// each core, and GOGC at the end of them.
type part struct {
	seconds int
	rate    float64
	gogc    int
}

// With 2 ns for each byte that is marked, GOGC is at its lowest up to 3.75 MB a
// second and core, and at its highest from 37.5, down to 12.4.
func TestPace(t *testing.T) {
	const ns, mb = 1e-9, 1e6
	for name, c := range map[string]struct {
		cost   float64 // of marking a byte
		live   int64
		course []part
	}{
		"calm from the start":   {2 * ns, 100 * mb, []part{{1, mb, 10}, {60, 3.7 * mb, 10}}},
		"connecting at a pace":  {2 * ns, 100 * mb, []part{{60, 7.6 * mb, 20}, {14, mb, 20}, {1, mb, 10}}},
		"an edge that fills":    {2 * ns, 100 * mb, []part{{60, 11 * mb, 29}, {60, 13 * mb, 33}, {60, 37 * mb, 33}, {15, mb, 10}}},
		"a storm":               {2 * ns, 100 * mb, []part{{20, mb, 10}, {1, 38 * mb, 400}, {60, 60 * mb, 400}, {14, mb, 400}, {1, mb, 10}}},
		"its ebb":               {2 * ns, 100 * mb, []part{{5, 60 * mb, 400}, {60, 13 * mb, 400}, {14, 12 * mb, 400}, {1, 12 * mb, 32}, {20, 13 * mb, 33}}},
		"a lull does not count": {2 * ns, 100 * mb, []part{{5, 40 * mb, 400}, {12, mb, 400}, {1, 40 * mb, 400}, {14, mb, 400}, {1, mb, 10}}},
		"less than it was":      {2 * ns, 100 * mb, []part{{5, 40 * mb, 400}, {14, 10 * mb, 400}, {1, 10 * mb, 26}}},
		"seconds between two collections": {
			2 * ns, 4000 * mb, []part{{20, mb, 10}, {1, 38 * mb, 400}, {60, 38 * mb, 400}, {15, mb, 10}},
		},
		// Slabs without pointers are marked in no time.
		"collections that cost little": {0.1 * ns, 100 * mb, []part{{60, 70 * mb, 10}}},
		"collections that cost much":   {20 * ns, 100 * mb, []part{{300, 3.8 * mb, 400}, {300, 0.8 * mb, 21}}},
	} {
		t.Run(name, func(t *testing.T) {
			const cores = 4
			now := time.Unix(1_700_000_000, 0)
			s := sample{cores: cores, live: c.live}
			p := newPace(now, s)
			garbage := 0.0
			for i, part := range c.course {
				for range part.seconds {
					now = now.Add(time.Second)
					s.allocated += int64(part.rate * cores)
					garbage += part.rate * cores
					for size := float64(c.live) * float64(p.gogc()) / 100; garbage >= size; garbage -= size {
						s.cycles++
						s.gcCPU += c.cost * float64(c.live)
					}
					p.next(now, s)
				}
				if got := p.gogc(); got != part.gogc {
					t.Errorf("after part %d: GOGC %d instead of %d, demand %.4f, share %.3f", i, got, part.gogc, p.demand(), p.share)
				}
			}
		})
	}
}

// Between its ends, GOGC has collections take the budget.
func TestBudget(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	const cost, rate, live = 3e-9, 10e6, 100e6
	s := sample{cores: 2, live: live}
	p := newPace(now, s)
	garbage := 0.0
	for range 600 {
		now = now.Add(time.Second)
		s.allocated += rate
		for garbage += rate; garbage >= live*float64(p.gogc())/100; garbage -= live * float64(p.gogc()) / 100 {
			s.cycles++
			s.gcCPU += cost * live
		}
		p.next(now, s)
	}
	if p.share < 0.9*budget || p.share > 1.1*budget {
		t.Errorf("a share of %.3f with GOGC %d", p.share, p.gogc())
	}
}

// Many collections that take more than what lives explains are a storm at
// once; one that does is none.
func TestDearCollections(t *testing.T) {
	for cycles, want := range map[int64]int{1: fillGOGC, many: highestGOGC} {
		now := time.Unix(1_700_000_000, 0)
		s := sample{cores: 2, live: 10e6, gogc: lowestGOGC}
		p := newPace(now, s)
		s.cycles += cycles
		s.allocated += 10e6
		s.gcCPU += 1.6
		p.next(now.Add(time.Second), s)
		if got := p.gogc(); got > want || want == highestGOGC && got != want {
			t.Errorf("%d collections: GOGC %d instead of %d", cycles, got, want)
		}
	}
}

// The runtime tells of collections, until it is not asked any more.
func TestCollections(t *testing.T) {
	ended, stop := goRuntime{}.collections()
	for range 3 {
		runtime.GC()
		<-ended
	}
	stop()
}

// A process that was stopped in the middle of a collection takes that for no
// storm.
func TestStopped(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := sample{cores: 4, live: 100 << 20}
	p := newPace(now, s)
	for i := range 120 {
		now = now.Add(time.Second)
		s.allocated += 8 << 20
		if i%10 == 0 {
			s.cycles++
			s.gcCPU += 0.2
		}
		if i == 60 {
			s.gcCPU += 30
		}
		if p.next(now, s); p.gogc() > calmGOGC {
			t.Fatalf("GOGC is %d after %d s", p.gogc(), i)
		}
	}
}
