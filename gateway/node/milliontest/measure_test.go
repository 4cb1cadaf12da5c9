package milliontest

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sort"
	"strings"
	"time"
)

// live is what a collection leaves.
type live struct{ heap, objects int64 }

func measure() live {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return live{int64(m.HeapAlloc), int64(m.HeapObjects)}
}

// collected is what collections have cost so far.
type collected struct {
	cycles uint64
	cpu    float64 // seconds
	pauses *metrics.Float64Histogram
}

func sample() collected {
	s := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/sched/pauses/total/gc:seconds"},
	}
	metrics.Read(s)
	return collected{s[0].Value.Uint64(), s[1].Value.Float64(), s[2].Value.Float64Histogram()}
}

// since says what was added in a time.
func (c collected) since(before collected, took time.Duration) string {
	worst := 0.0
	for i, n := range c.pauses.Counts {
		if n > before.pauses.Counts[i] {
			if worst = c.pauses.Buckets[i+1]; math.IsInf(worst, 1) {
				worst = c.pauses.Buckets[i]
			}
		}
	}
	return fmt.Sprintf("%d cycles, %.2f s of CPU for garbage, %.2f %% of one core, the world stopped for less than %v at a time",
		c.cycles-before.cycles, c.cpu-before.cpu, 100*(c.cpu-before.cpu)/took.Seconds(), time.Duration(worst*1e9).Round(time.Microsecond))
}

func collect() string {
	before, began := sample(), time.Now()
	runtime.GC()
	took := time.Since(began)
	return fmt.Sprintf("%s, in %v", sample().since(before, took), took.Round(time.Millisecond))
}

// scaled is how much there is where a profile has seen some of it.
func scaled(r runtime.MemProfileRecord) int64 {
	if r.InUseObjects() == 0 {
		return 0
	}
	size := float64(r.InUseBytes()) / float64(r.InUseObjects())
	return int64(float64(r.InUseBytes()) / (1 - math.Exp(-size/float64(runtime.MemProfileRate))))
}

// largest names the places that most of the memory was taken at, in bytes of
// each of n sessions.
func largest(n int) string {
	records := make([]runtime.MemProfileRecord, 10_000)
	found, _ := runtime.MemProfile(records, false)
	bytes := map[string]int64{}
	for _, r := range records[:found] {
		frames := runtime.CallersFrames(r.Stack())
		for {
			f, more := frames.Next()
			// Pools and maps grow on behalf of who calls them.
			if !strings.HasPrefix(f.Function, "runtime.") && !strings.HasPrefix(f.Function, "internal/") || !more {
				bytes[f.Function] += scaled(r)
				break
			}
		}
	}
	var names []string
	for name := range bytes {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return bytes[names[i]] > bytes[names[j]] })
	var out []string
	for _, name := range names[:min(len(names), 14)] {
		out = append(out, fmt.Sprintf("%s %d", name[strings.LastIndex(name, "/")+1:], bytes[name]/int64(n)))
	}
	return strings.Join(out, ", ")
}
