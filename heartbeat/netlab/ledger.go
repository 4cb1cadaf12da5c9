package main

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
)

// A stage is a part of a run. What happens is counted by it.
type stage int

const (
	learning stage = iota // whatever happens is expected
	holding               // nothing may be lost
	over                  // nothing is published any more
	stages
)

// A book is what happened to the phones behind one NAT, by what the publisher
// was answered and what the phones themselves said.
type book struct {
	mu sync.Mutex
	// Guarded by mu.
	stage     stage
	phones    map[string]*pages
	intervals [stages][]time.Duration // of one phone at one moment each
	absent    [stages]int             // phones that the NAT knew nothing of, at as many moments
	moments   [stages]int
	rebound   int
	outer     map[inside]int
}

// inside is a connection's end at home.
type inside struct {
	home string
	port int
}

// pages are one phone's.
type pages struct {
	published []publication
	heard     []hearing // in order
	interval  time.Duration
	connected bool
	ends      [stages]int // connections that ended
	whys      []string
}

type publication struct {
	version int64
	at      time.Time // when the publisher had its answer
	stage   stage
}

type hearing struct {
	version int64
	at      time.Time
}

func newBook(users []string) *book {
	b := &book{phones: map[string]*pages{}, outer: map[inside]int{}}
	for _, u := range users {
		b.phones[u] = &pages{}
	}
	return b
}

func (b *book) enter(s stage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stage = s
}

// see notes what a phone said.
func (b *book) see(s sighting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.phones[s.User]
	if p == nil {
		return
	}
	if s.Heard > 0 {
		p.heard = append(p.heard, hearing{s.Heard, s.At})
	}
	if s.Interval > 0 {
		p.interval = s.Interval
	}
	switch s.Phase {
	case "":
	case client.PhaseConnected:
		p.connected = true
	default:
		if p.connected {
			p.ends[b.stage]++
			p.whys = append(p.whys, s.Why)
		}
		p.connected = false
	}
}

// published notes a version and that the publisher has the answer now.
func (b *book) published(user string, version int64, s stage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.phones[user]
	p.published = append(p.published, publication{version, time.Now(), s})
}

func (b *book) present() stage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stage
}

// connected is how many phones are.
func (b *book) connected() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.phones {
		if p.connected {
			n++
		}
	}
	return n
}

// median is that of the connected phones' intervals.
func (b *book) median() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return quantile(b.presentLocked(), 0.5)
}

func (b *book) presentLocked() (now []time.Duration) {
	for _, p := range b.phones {
		if p.connected && p.interval > 0 {
			now = append(now, p.interval)
		}
	}
	return now
}

// look notes the intervals and what the NAT knows at this moment.
func (b *book) look(tcp bool, all []mapping) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.presentLocked()
	known := 0
	for _, m := range all {
		if m.tcp != tcp {
			continue
		}
		at := inside{m.home, m.inner}
		if was := b.outer[at]; was != 0 && was != m.outer {
			b.rebound++
		}
		b.outer[at] = m.outer
		if m.open {
			known++
		}
	}
	b.intervals[b.stage] = append(b.intervals[b.stage], now...)
	b.moments[b.stage] += len(now)
	b.absent[b.stage] += max(len(now)-known, 0)
}

// quantile is 0 of nothing. It sorts.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[int(math.Round(q*float64(len(d)-1)))]
}

// A count is what became of the notifies of a stage.
type count struct {
	sent, late, lost int
	worst            time.Duration // of those heard
	ends             int
}

// count judges a stage. late is what came after bound, lost what has not come.
func (b *book) count(s stage, bound time.Duration) (c count) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.phones {
		c.ends += p.ends[s]
		for _, pub := range p.published {
			if pub.stage != s {
				continue
			}
			c.sent++
			took, heard := p.delay(pub)
			switch {
			case !heard:
				c.lost++
			case took > bound:
				c.late++
			}
			c.worst = max(c.worst, took)
		}
	}
	return c
}

// delay is how long it took until the phone knew of a version or of a later
// one.
func (p *pages) delay(pub publication) (took time.Duration, heard bool) {
	for _, h := range p.heard {
		if h.version >= pub.version {
			return max(h.at.Sub(pub.at), 0), true
		}
	}
	return 0, false
}

// handed is the median of the intervals of a stage over a timeout.
func (b *book) handed(s stage, timeout time.Duration) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return float64(quantile(b.intervals[s], 0.5)) / float64(timeout)
}

// truth is what the NAT showed: how often a device's port changed on the
// outside, and in which share of a stage's moments it knew nothing of a phone
// that thought itself connected.
func (b *book) truth(s stage) (rebound int, absent float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rebound, float64(b.absent[s]) / float64(max(b.moments[s], 1))
}
