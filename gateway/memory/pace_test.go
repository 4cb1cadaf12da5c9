package memory

import (
	"testing"
	"time"
)

// A part of the table: so many seconds in which so much is allocated each, for
// each core.
type part struct {
	seconds int
	rate    float64
	// What it is at the end of them.
	storm, calm bool
}

// With 2 ns for each byte that is marked, collections of calm take a tenth of
// the CPU from 12.5 MB a second and core, and a twentieth from 6.25.
func TestPace(t *testing.T) {
	const ns, mb = 1e-9, 1e6
	for name, c := range map[string]struct {
		cost   float64 // of marking a byte
		live   int64
		course []part
	}{
		"calm from the start": {2 * ns, 100 * mb, []part{{15, mb, false, false}, {1, mb, false, true}}},
		"connecting at a pace that calm's collections bear": {
			2 * ns, 100 * mb, []part{{60, 12 * mb, false, false}, {15, mb, false, false}, {1, mb, false, true}},
		},
		"a storm is seen at once and ends after a while": {
			2 * ns, 100 * mb, []part{{20, mb, false, true}, {1, 14 * mb, true, false}, {30, 30 * mb, true, false}, {15, mb, true, false}, {1, mb, false, true}},
		},
		"a lull does not end it": {
			2 * ns, 100 * mb, []part{{5, 20 * mb, true, false}, {12, mb, true, false}, {1, 7 * mb, true, false}, {15, mb, true, false}, {1, mb, false, true}},
		},
		"between the two shares it stays what it is": {
			2 * ns, 100 * mb, []part{{40, 10 * mb, false, false}, {1, 17 * mb, true, false}, {300, 10 * mb, true, false}, {16, 6 * mb, false, true}},
		},
		"seconds between two collections": {
			2 * ns, 2000 * mb, []part{{20, mb, false, true}, {1, 14 * mb, true, false}, {30, 20 * mb, true, false}, {16, mb, false, true}},
		},
		// Slabs without pointers are marked in no time.
		"collections that cost little": {0.1 * ns, 100 * mb, []part{{60, 100 * mb, false, true}, {5, 300 * mb, true, false}}},
		"collections that cost much":   {20 * ns, 100 * mb, []part{{60, 2 * mb, true, false}, {300, mb, true, false}, {16, 0.5 * mb, false, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			const cores = 4
			now := time.Unix(1_700_000_000, 0)
			s := sample{cores: cores, live: c.live}
			p := newPace(now, s)
			garbage := 0.0
			for i, part := range c.course {
				var calm bool
				for range part.seconds {
					now = now.Add(time.Second)
					s.allocated += int64(part.rate * cores)
					garbage += part.rate * cores
					for size := float64(c.live) * float64(p.gogc()) / 100; garbage >= size; garbage -= size {
						s.cycles++
						s.gcCPU += c.cost * float64(c.live)
					}
					calm = p.next(now, s)
				}
				if p.storm != part.storm || calm != part.calm {
					t.Errorf("after part %d: storm %v, calm %v, share %.3f, in calm %.3f", i, p.storm, calm, p.share, p.calmShare)
				}
			}
		})
	}
}

// What is shown is what collections take: a quarter with four times the GOGC.
func TestShare(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := sample{cores: 2, live: 100 << 20}
	p := newPace(now, s)
	for range 300 {
		now = now.Add(time.Second)
		s.allocated += 50 << 20
		s.cycles++
		s.gcCPU += 0.5
		p.next(now, s)
	}
	if p.share < 0.24 || p.share > 0.26 {
		t.Errorf("%.3f instead of a quarter", p.share)
	}
	if p.calmShare < 0.49 || p.calmShare > 0.51 {
		t.Errorf("%.3f in calm instead of half", p.calmShare)
	}
}

// A process that was stopped in the middle of a collection takes that for no
// storm.
func TestStopped(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := sample{cores: 4, live: 100 << 20}
	p := newPace(now, s)
	for i := range 120 {
		now = now.Add(time.Second)
		s.allocated += 4 << 20
		if i%10 == 0 {
			s.cycles++
			s.gcCPU += 0.2
		}
		if i == 60 {
			s.gcCPU += 30
		}
		if p.next(now, s); p.storm {
			t.Fatalf("a storm after %d s", i)
		}
	}
}
