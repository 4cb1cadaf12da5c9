package memory

import (
	"math"
	"slices"
	"time"
)

const (
	// budget is the share of the CPU that collections may take. In between its
	// two ends GOGC is what makes them take so much.
	budget = 0.075
	// lowestGOGC is that of calm, and of a soft limit that asks for more. Below
	// it there is little left to save: ten bytes of garbage for a hundred that
	// live.
	lowestGOGC = 10
	// fillGOGC is the highest but for a storm, also where collections take more
	// than the budget with it: who connects and stays lies scattered among what
	// is garbage meanwhile, and what is free between them is not given back. From
	// 100 on that is half a kilobyte of each connection and more.
	fillGOGC = 33
	// stormGOGC is from where on it is a storm: with as much allocated,
	// collections would take three times the budget with fillGOGC. Other
	// processes may want the same processors then, as more edges on one port do.
	// It is over where fillGOGC would do.
	stormGOGC = 100
	// highestGOGC is that of a storm, which is short. The soft limit goes first.
	highestGOGC = 400
	// calmGOGC is up to where memory is given back.
	calmGOGC = 25

	// lull is for how many samples the greatest demand counts: GOGC rises at
	// once, and falls when that has passed.
	lull = int(15 * time.Second / interval)

	// leastGlance is the shortest time for which an allocation counts.
	leastGlance = interval / 4

	// many collections in one sample say by themselves what they take.
	many = 3

	// shareMemory is how long a collection counts in the share that is shown.
	shareMemory = 30 * time.Second
	// markCost is what marking a byte takes, in seconds of CPU, before the first
	// collection was measured: that of one million parked connections.
	markCost = 2e-9
	// costMemory is the part of the cost that a collection leaves as it was.
	costMemory = 7. / 8
	// costJump is by how much a collection may exceed the cost: the runtime
	// counts time, also that in which the machine did not let it work.
	costJump = 4
)

// pace finds GOGC. What is allocated in a second says how many collections
// there would be with one GOGC or another, and those there were say what one
// costs. So it answers within one sample, and is no slower where a collection
// comes once a minute because a million connections are there.
type pace struct {
	// Owned by the policy's Run.

	// markCost is that of this process, in seconds of CPU a byte.
	markCost float64
	// share is what collections took lately of the CPU that the process may
	// use.
	share float64
	// demands are those of the last samples: what collections would have taken
	// of the CPU with GOGC at 100.
	demands [lull]float64
	samples int
	// storm says that it is one.
	storm bool
	// last is the sample before, and when that was.
	last sample
	at   time.Time
}

func newPace(now time.Time, s sample) *pace { return &pace{markCost: markCost, last: s, at: now} }

// next takes a sample.
func (p *pace) next(now time.Time, s sample) {
	took := now.Sub(p.at).Seconds() * float64(max(1, s.cores))
	if took <= 0 {
		return
	}
	cpu := max(0, s.gcCPU-p.last.gcCPU)
	p.learn(cpu, s)
	p.demands[p.samples%lull] = p.wanted(s, took)
	p.samples++
	p.judge()
	keep := math.Exp(-now.Sub(p.at).Seconds() / shareMemory.Seconds())
	p.share = p.share*keep + cpu/took*(1-keep)
	p.last, p.at = s, now
}

// glance looks at the time since the last sample before the next one is due.
// What a moment allocates counts as if it were that of leastGlance.
func (p *pace) glance(now time.Time, s sample) {
	took := max(now.Sub(p.at), leastGlance).Seconds() * float64(max(1, s.cores))
	p.demands[p.samples%lull] = p.wanted(s, took)
	p.judge()
}

// judge decides whether it is a storm.
func (p *pace) judge() {
	least := float64(stormGOGC)
	if p.storm {
		least = fillGOGC
	}
	p.storm = p.paid() >= least
}

// paid is the GOGC with which collections take the budget.
func (p *pace) paid() float64 { return 100 * p.demand() / budget }

// wanted is what collections would have taken since the last sample with GOGC
// at 100: by what was allocated, and where there were many, by what they took,
// for that has more to it than what lives. In a rush as much as in a storm, for
// who lets in no more than he can allocates no more.
func (p *pace) wanted(s sample, took float64) float64 {
	if s.rush {
		return stormGOGC * budget / 100
	}
	wanted := float64(s.allocated-p.last.allocated) * p.markCost / took
	if s.cycles-p.last.cycles >= many {
		wanted = max(wanted, (s.gcCPU-p.last.gcCPU)/took*float64(min(s.gogc, p.last.gogc))/100)
	}
	return wanted
}

// learn takes what the collections since the last sample took.
func (p *pace) learn(cpu float64, s sample) {
	n := float64(s.cycles - p.last.cycles)
	if n <= 0 || s.live <= 0 {
		return
	}
	keep := math.Pow(costMemory, n)
	seen := min(cpu/(n*float64(s.live)), costJump*p.markCost)
	p.markCost = p.markCost*keep + seen*(1-keep)
}

// demand is the greatest of late.
func (p *pace) demand() float64 { return slices.Max(p.demands[:]) }

// gogc is what the collector shall work with.
func (p *pace) gogc() int {
	if p.storm {
		return highestGOGC
	}
	return int(min(max(p.paid(), lowestGOGC), fillGOGC))
}

// settled reports whether there have been samples for a while.
func (p *pace) settled() bool { return p.samples >= lull }
