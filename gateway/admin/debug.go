package admin

import (
	"net/http"
	"net/http/pprof"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// addDebug adds the pages for those who measure.
func addDebug(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.Handle("POST /debug/collect", &collector{})
}

// collector collects garbage, for one caller at a time.
type collector struct{ mu sync.Mutex }

// memory is the body of /debug/collect, after the collection.
type memory struct {
	Schema     string `json:"schema"`
	Goroutines int    `json:"goroutines"`
	// HeapBytes are those of objects, StackBytes those of goroutines' stacks.
	HeapBytes  uint64 `json:"heap_bytes"`
	StackBytes uint64 `json:"stack_bytes"`
	// GCCPU is what collections have cost since the start.
	GCCPU float64 `json:"gc_cpu_seconds"`
}

func (c *collector) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The second round takes what finalizers and pools let go of in the first.
	runtime.GC()
	debug.FreeOSMemory()
	writeJSON(w, http.StatusOK, readMemory())
}

func readMemory() memory {
	s := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
	}
	metrics.Read(s)
	return memory{
		Schema: "hawser.memory/1", Goroutines: runtime.NumGoroutine(),
		HeapBytes: s[0].Value.Uint64(), StackBytes: s[1].Value.Uint64(), GCCPU: s[2].Value.Float64(),
	}
}
