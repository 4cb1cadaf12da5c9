package memory

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// A sample is what the runtime says of the process, in bytes unless noted.
type sample struct {
	// allocated since the start.
	allocated int64
	// own is all that the process has from the system, and the soft limit is
	// about.
	own int64
	// objects are those of the heap, garbage too; live is what the last
	// collection left of them.
	objects, live int64
	// free is of the heap and not given back.
	free int64
	// cycles are the collections since the start, and gcCPU the seconds of CPU
	// that they took, but for those that nobody else wanted.
	cycles int64
	gcCPU  float64
	// gogc is what the collections worked with of late.
	gogc int
	// cores are those that the process may use.
	cores int
	// rush: see Policy.Rush.
	rush bool
}

// slack is what a collection would make free, and what is free.
func (s sample) slack() int64 { return max(0, s.objects-s.live) + s.free }

// tight is what the process has with no slack but the garbage of the lowest
// GOGC.
func (s sample) tight() int64 { return s.own - s.objects - s.free + s.live + s.live*lowestGOGC/100 }

// process is what is decided over.
type process interface {
	sample() sample
	// settings are those of the collector: GOGC, negative where it is off, and
	// the soft limit in bytes, math.MaxInt64 where there is none.
	settings() (percent int, limit int64)
	setGOGC(percent int)
	setLimit(bytes int64)
	// collections tells of those that end, until stop. One that is not heard
	// stands for those after it.
	collections() (ended <-chan struct{}, stop func())
	// trim collects and gives back; it returns when that is done.
	trim()
}

// goRuntime is this process.
type goRuntime struct{}

func (goRuntime) setGOGC(percent int)  { debug.SetGCPercent(percent) }
func (goRuntime) setLimit(bytes int64) { debug.SetMemoryLimit(bytes) }
func (goRuntime) trim()                { debug.FreeOSMemory() }

// collections has each collection find an object that nobody has, and make the
// next one.
func (goRuntime) collections() (<-chan struct{}, func()) {
	ended := make(chan struct{}, 1) // never closed
	var over atomic.Bool
	var mark func(struct{})
	mark = func(struct{}) {
		if over.Load() {
			return
		}
		select {
		case ended <- struct{}{}:
		default:
		}
		runtime.AddCleanup(new([32]byte), mark, struct{}{})
	}
	runtime.AddCleanup(new([32]byte), mark, struct{}{})
	return ended, func() { over.Store(true) }
}

func (goRuntime) settings() (percent int, limit int64) {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	percent = -1
	if n := s[0].Value.Uint64(); n <= math.MaxInt32 { // it is beyond where GOGC is off
		percent = int(n)
	}
	return percent, debug.SetMemoryLimit(-1)
}

func (goRuntime) sample() sample {
	s := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
		{Name: "/gc/gogc:percent"},
	}
	metrics.Read(s)
	number := func(i int) int64 { return int64(s[i].Value.Uint64()) }
	return sample{
		allocated: number(0), own: number(1) - number(2), objects: number(3), live: number(4), free: number(5),
		cycles: number(6), gcCPU: s[7].Value.Float64() - s[8].Value.Float64(),
		gogc:  int(min(s[9].Value.Uint64(), highestGOGC)),
		cores: runtime.GOMAXPROCS(0), // it follows the cgroup's
	}
}

// system is what New decides over, and with what.
func system() (process, *host) { return goRuntime{}, newHost(os.DirFS("/")) }

// fromEnvironment are the variables that the operator has set.
func fromEnvironment() []string {
	set := []string{}
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if isSet(name) {
			set = append(set, name)
		}
	}
	return set
}

// isSet reports whether the operator has set a variable of the runtime.
func isSet(name string) bool { return os.Getenv(name) != "" }
