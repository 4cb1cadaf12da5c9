package memory

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// interval between two looks: in a storm of a thousand connections a
	// second, some tens of MiB.
	interval = time.Second
	// limitStep is the part of itself by which the soft limit has to move:
	// setting it stops the process for some microseconds.
	limitStep = 64
	// gogcStep is the part of itself by which GOGC has to move.
	gogcStep = 5
	// trimSlack is the part of what the process has that makes trimming worth
	// it, trimLeast the bytes that do: beats of idle connections take a minute
	// for that, half as long as the runtime lies between two collections. Those
	// of an edge with many take some seconds, as long as GOGC lets pass, so that a
	// trim comes in place of a collection.
	trimSlack, trimLeast = 40, 2 << 20
	// trimEvery is the least time between two trims, trimShare the part of the
	// time that they may take.
	trimEvery, trimShare = 10 * time.Second, 100
)

// Options of a policy.
type Options struct {
	Registerer prometheus.Registerer // nil: the metrics are shown to nobody
	Log        *slog.Logger
	// Idle says that the process holds connections that are mostly idle. Only
	// then GOGC changes and memory is given back.
	Idle bool
}

// A Policy decides over the memory of the process. There is to be one that
// runs in a process: what it sets is set for all of it.
type Policy struct {
	// Static after construction.
	process process
	host    *host
	log     *slog.Logger
	metrics *policyMetrics
	// limits and paces say what is decided over.
	limits, paces bool

	short atomic.Bool
	// rushed says that Rush was called since the last sample.
	rushed atomic.Bool
	rushes chan struct{} // one place, never closed: rushed is new

	// Owned by Run.
	soft     int64 // math.MaxInt64: none is set
	gogc     int
	notUntil time.Time // of the next trim
}

// New reads what applies to this process and changes nothing yet.
func New(o Options) *Policy {
	process, host := system()
	return &Policy{
		process: process, host: host, log: o.Log, metrics: newMetrics(o.Registerer),
		limits: !isSet("GOMEMLIMIT"), paces: o.Idle && !isSet("GOGC"),
		rushes: make(chan struct{}, 1),
	}
}

// Run decides until ctx ends, and sets everything back then.
func (p *Policy) Run(ctx context.Context) {
	defer p.begin()()
	s := p.process.sample()
	pace := newPace(time.Now(), s)
	rooms := p.host.rooms()
	p.limit(rooms, s)
	p.tell(rooms)
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	collected, stop := p.process.collections()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-collected:
			p.glance(pace)
		case <-p.rushes:
			p.glance(pace)
		case <-ticks.C:
			p.decide(pace)
		}
	}
}

// decide does what is due every interval.
func (p *Policy) decide(pace *pace) {
	s := p.process.sample()
	s.rush = p.rushed.Swap(false)
	p.limit(p.host.rooms(), s)
	pace.next(time.Now(), s)
	p.metrics.share.Set(pace.share)
	p.metrics.demand.Set(pace.demand())
	if !p.paces {
		return
	}
	p.follow(pace)
	if pace.settled() && pace.gogc() <= calmGOGC && time.Now().After(p.notUntil) {
		p.trim(s)
	}
}

// glance raises GOGC as soon as a collection comes early: at the beginning of a
// storm there would be one upon the other until the next sample.
func (p *Policy) glance(pace *pace) {
	if !p.paces {
		return
	}
	was := pace.gogc()
	s := p.process.sample()
	s.rush = p.rushed.Load()
	pace.glance(time.Now(), s)
	if pace.gogc() > was {
		p.follow(pace)
	}
}

// Rush says that more devices come than there are processors for, which is a
// storm whatever is allocated: collections would take from those that are
// connected. It holds for as long as a storm does after the last call. It does
// not block, and may be called by any goroutine.
func (p *Policy) Rush() {
	if !p.rushed.Load() && !p.rushed.Swap(true) {
		select {
		case p.rushes <- struct{}{}:
		default:
		}
	}
}

// Short reports whether nothing is left of the cgroup's or the machine's
// memory but a reserve. It is false where Run does not run.
func (p *Policy) Short() bool { return p.short.Load() }

// begin takes over the process's settings; the caller calls restore.
func (p *Policy) begin() (restore func()) {
	percent, limit := p.process.settings()
	p.soft = limit
	if p.paces {
		p.gogc = lowestGOGC
		p.process.setGOGC(lowestGOGC)
	}
	return func() {
		if p.limits {
			p.process.setLimit(limit)
		}
		if p.paces {
			p.process.setGOGC(percent)
		}
	}
}

// limit moves the soft limit with what is free.
func (p *Policy) limit(rooms []room, s sample) {
	if len(rooms) == 0 {
		return
	}
	r := tightest(rooms)
	p.metrics.limit.Set(float64(smallest(rooms).limit))
	p.metrics.free.Set(float64(r.free))
	p.short.Store(r.spare() <= 0)
	soft := max(s.tight(), s.own+r.spare())
	if distance := max(soft-p.soft, p.soft-soft); p.limits && distance > p.soft/limitStep {
		p.soft = soft
		p.process.setLimit(soft)
	}
}

// tell says once what was found and what is set.
func (p *Policy) tell(rooms []room) {
	percent, soft := p.process.settings()
	log := p.log.With("gogc", percent, "from_environment", fromEnvironment())
	if len(rooms) == 0 {
		log.Info("memory: no limit was found")
		return
	}
	r := smallest(rooms)
	log.Info("memory: what there is of it", "of", r.source, "limit_bytes", r.limit, "free_bytes", tightest(rooms).free, "soft_limit_bytes", soft)
}

// follow sets GOGC where it has to move by a fifth, or to one of its ends.
func (p *Policy) follow(pace *pace) {
	was, gogc := p.gogc, pace.gogc()
	end := gogc == lowestGOGC || gogc == highestGOGC
	if gogc == was || !end && max(gogc-was, was-gogc)*gogcStep <= was {
		return
	}
	p.gogc = gogc
	p.process.setGOGC(gogc)
	p.metrics.setStorm(gogc == highestGOGC)
	level := slog.LevelDebug
	if (gogc == highestGOGC) != (was == highestGOGC) {
		level = slog.LevelInfo
	}
	p.log.Log(context.Background(), level, "garbage is collected at another pace",
		"gogc", gogc, "gc_cpu_ratio", pace.share, "gc_cpu_demand_ratio", pace.demand())
}

// trim gives back what is free, if that is worth it.
func (p *Policy) trim(s sample) {
	if s.slack() < max(trimLeast, s.own/trimSlack) {
		return
	}
	start := time.Now()
	p.process.trim()
	took := time.Since(start)
	p.notUntil = time.Now().Add(max(trimEvery, trimShare*took))
	given := max(0, s.own-p.process.sample().own)
	p.metrics.trims.Inc()
	p.metrics.trimmed.Add(float64(given))
	p.log.Debug("memory was given back", "bytes", given, "took_s", took.Seconds())
}
