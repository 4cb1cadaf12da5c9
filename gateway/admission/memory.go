package admission

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// The shares of the soft limit of memory that what cannot be collected may
// reach. What is left is for those who are in: more collections make it last,
// and take their processors.
const (
	// fullShare: devices are told to come back.
	fullShare = 0.85
	// tightShare: connections are not even heard.
	tightShare = 0.95
)

// memoryEvery is how long one look at the memory counts.
const memoryEvery = 100 * time.Millisecond

// Memory tells whether the process has room for more connections: by its soft
// limit, GOMEMLIMIT's or that of package memory, and by whether anything is
// left of the machine. It is safe for concurrent use.
type Memory struct {
	// Static after construction.
	share func() float64
	short func() bool

	mu sync.Mutex
	// Guarded by mu.
	last float64
	at   time.Time
}

// NewMemory returns one for this process; short says that the machine or the
// cgroup has nothing left, whoever took it.
func NewMemory(short func() bool) *Memory { return &Memory{share: shareOfLimit, short: short} }

// Full reports whether devices should be told to come back later.
func (m *Memory) Full() bool { return m.short() || m.now() >= fullShare }

// Room reports whether a connection may still be heard.
func (m *Memory) Room() bool { return m.now() < tightShare }

func (m *Memory) now() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); now.Sub(m.at) >= memoryEvery {
		m.at, m.last = now, m.share()
	}
	return m.last
}

// shareOfLimit is the part of the soft limit that the process holds on to.
func shareOfLimit() float64 {
	limit := debug.SetMemoryLimit(-1) // which only reads it
	if limit <= 0 || limit == math.MaxInt64 {
		return 0
	}
	samples := held()
	metrics.Read(samples)
	sum := 0.0
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			sum += float64(s.Value.Uint64())
		}
	}
	return sum / float64(limit)
}

// held are the names of what a collection would not free.
func held() (samples []metrics.Sample) {
	for _, name := range []string{
		"/gc/heap/live:bytes",
		"/memory/classes/heap/stacks:bytes",
		"/memory/classes/metadata/mcache/inuse:bytes",
		"/memory/classes/metadata/mspan/inuse:bytes",
		"/memory/classes/metadata/other:bytes",
		"/memory/classes/os-stacks:bytes",
		"/memory/classes/other:bytes",
		"/memory/classes/profiling/buckets:bytes",
	} {
		samples = append(samples, metrics.Sample{Name: name})
	}
	return samples
}
