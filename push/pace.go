package push

import "time"

const (
	// slowdown is what remains of the rate when a service says that an
	// application sent too much, and slowdownEvery the least time between two
	// slowdowns: what was under way meanwhile tells nothing new.
	slowdown      = 0.5
	slowdownEvery = 10 * time.Second
	// recovery is how long the rate takes to come back in even steps. Quotas
	// are counted by the minute.
	recovery = 2 * time.Minute
	// slowest is the least rate a second: quota never stops an application.
	slowest = 1.0
)

// pace bounds the attempts of an application a second: by what the service
// documents, and by less for a while after it said that there were too many.
// It has no clock and no lock.
type pace struct {
	most float64 // a second; 0: no bound

	limit   float64 // a second, as of last; 0: most holds
	goal    float64 // the rate before the first slowdown
	slowed  time.Time
	tokens  float64
	last    time.Time
	counted int // attempts since second
	second  time.Time
	rate    float64 // attempts in the second before
}

// take reports whether an attempt may begin now, else how long to wait.
func (p *pace) take(now time.Time) (ok bool, wait time.Duration) {
	p.count(now)
	limit := p.bound(now)
	if limit == 0 {
		p.counted++
		return true, 0
	}
	// A tenth of a second at once: timers are no finer at high rates.
	p.tokens = min(max(1, limit/10), p.tokens+limit*now.Sub(p.last).Seconds())
	p.last = now
	if p.tokens < 1 {
		return false, max(time.Millisecond, time.Duration((1-p.tokens)/limit*float64(time.Second)))
	}
	p.tokens--
	p.counted++
	return true, 0
}

// slow takes note that the service had too much. It reports whether that is
// news.
func (p *pace) slow(now time.Time) bool {
	if now.Sub(p.slowed) < slowdownEvery {
		return false
	}
	p.count(now)
	before := p.bound(now)
	if p.limit == 0 {
		// So far it was not the bound that held it back.
		p.goal = max(slowest, p.rate, float64(p.counted))
		if before > 0 {
			p.goal = min(p.goal, before)
		}
		before = p.goal
	}
	p.limit = max(slowest, slowdown*before)
	p.slowed, p.last, p.tokens = now, now, 0
	return true
}

// bound is the rate that holds now, 0 for none.
func (p *pace) bound(now time.Time) float64 {
	if p.limit == 0 {
		return p.most
	}
	limit := p.limit + p.goal*now.Sub(p.slowed).Seconds()/recovery.Seconds()
	// Twice the rate at which there was too much: the quota is another one now.
	if limit > 2*p.goal+slowest || (p.most > 0 && limit >= p.most) {
		p.limit = 0
		return p.most
	}
	return limit
}

// count keeps the rate of the last whole second.
func (p *pace) count(now time.Time) {
	switch since := now.Sub(p.second); {
	case since >= 2*time.Second:
		p.rate, p.counted, p.second = 0, 0, now
	case since >= time.Second:
		p.rate, p.counted, p.second = float64(p.counted), 0, now
	}
}
