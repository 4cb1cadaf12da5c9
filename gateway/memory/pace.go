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

	// stormRate is what is allocated a second, for each core that the process
	// may use. With calmGOGC, collecting costs about 7 ns for each byte that is
	// allocated, whatever the process holds: at this rate a tenth of the CPU.
	stormRate = 16 << 20
	// calmRate is far enough below that stormGOGC's collections, a quarter as
	// often, are not what makes the difference.
	calmRate = 4 << 20
	// calmAfter is how long it must stay below before it is calm.
	calmAfter = 15 * time.Second

	// stormShare of the CPU in collections is a storm whatever is allocated. It
	// lasts while stormGOGC's collections take a quarter of that: calmGOGC's,
	// four times as many, would take it all.
	stormShare = 0.10
	// shareMemory is how long a collection counts in the share: one that takes
	// seconds because there are a million connections is not yet a storm.
	shareMemory = 30 * time.Second
)

// pace tells calm from a storm.
type pace struct {
	// Owned by the policy's Run.
	cores int
	storm bool
	// share of the CPU that collections took lately.
	share float64
	// last is the sample before, and when that was.
	last sample
	at   time.Time
	// quiet is since when little is allocated; zero: it is not so.
	quiet time.Time
}

// newPace begins in calm that is not long enough to trim.
func newPace(cores int, now time.Time, s sample) *pace {
	return &pace{cores: max(1, cores), last: s, at: now}
}

// next takes a sample, and says whether little has been allocated for a while.
func (p *pace) next(now time.Time, s sample) (calm bool) {
	took := now.Sub(p.at).Seconds()
	if took <= 0 {
		return false
	}
	cores := float64(p.cores)
	rate := float64(s.allocated-p.last.allocated) / took / cores
	keep := math.Exp(-took / shareMemory.Seconds())
	p.share = p.share*keep + max(0, s.gcCPU-p.last.gcCPU)/took/cores*(1-keep)
	p.last, p.at = s, now

	if rate >= calmRate {
		p.quiet = time.Time{}
	} else if p.quiet.IsZero() {
		p.quiet = now
	}
	calm = !p.quiet.IsZero() && now.Sub(p.quiet) >= calmAfter
	switch {
	case rate >= stormRate, p.share >= stormShare:
		p.storm = true
	case calm && p.share < stormShare*calmGOGC/stormGOGC:
		p.storm = false
	}
	return calm
}

// gogc is what the collector shall work with.
func (p *pace) gogc() int {
	if p.storm {
		return stormGOGC
	}
	return calmGOGC
}
