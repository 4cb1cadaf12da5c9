package memory

import (
	"math"
	"time"
)

// What tells calm from a storm, and what is done in each.
const (
	// calmGOGC has 15,000 idle TLS connections cost a third less memory than
	// 100 does.
	calmGOGC  = 25
	stormGOGC = 100

	// stormShare is the share of the CPU above which calmGOGC costs more than
	// it saves: with stormGOGC collections take a quarter of that.
	stormShare = 0.10
	// calmShare is far enough below that a load between the two does not have
	// GOGC go to and fro.
	calmShare = stormShare / 2
	// calmAfter is how long it must stay below before it is calm.
	calmAfter = 15 * time.Second

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

// pace tells calm from a storm, by what collections would take of the CPU with
// calmGOGC, whatever it is now: the bytes allocated a second say how many there
// would be, and those there were say what one costs. So it answers within one
// sample, and is no slower where a collection comes once a minute because a
// million connections are there.
type pace struct {
	// Owned by the policy's Run.
	storm bool
	// markCost is that of this process, in seconds of CPU a byte.
	markCost float64
	// share is what collections took lately of the CPU that the process may
	// use, calmShare what they would take now with calmGOGC.
	share, calmShare float64
	// last is the sample before, and when that was.
	last sample
	at   time.Time
	// quiet is since when calmShare is low; zero: it is not.
	quiet time.Time
}

// newPace begins in calm that is not long enough to trim.
func newPace(now time.Time, s sample) *pace { return &pace{markCost: markCost, last: s, at: now} }

// next takes a sample, and says whether it has been calm for a while.
func (p *pace) next(now time.Time, s sample) (calm bool) {
	took := now.Sub(p.at).Seconds() * float64(max(1, s.cores))
	if took <= 0 {
		return false
	}
	cpu := max(0, s.gcCPU-p.last.gcCPU)
	p.learn(cpu, s)
	p.calmShare = float64(s.allocated-p.last.allocated) * p.markCost * 100 / calmGOGC / took
	keep := math.Exp(-now.Sub(p.at).Seconds() / shareMemory.Seconds())
	p.share = p.share*keep + cpu/took*(1-keep)
	p.last, p.at = s, now

	if p.calmShare >= calmShare {
		p.quiet = time.Time{}
	} else if p.quiet.IsZero() {
		p.quiet = now
	}
	calm = !p.quiet.IsZero() && now.Sub(p.quiet) >= calmAfter
	switch {
	case p.calmShare >= stormShare:
		p.storm = true
	case calm:
		p.storm = false
	}
	return calm
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

// gogc is what the collector shall work with.
func (p *pace) gogc() int {
	if p.storm {
		return stormGOGC
	}
	return calmGOGC
}
