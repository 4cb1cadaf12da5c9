package heartbeat

import "math"

// Silences are learned on a grid: g_k = gridMin * gridRatio^k. A bucket k of
// it are the timeouts in (g_(k-1), g_k], the first one all up to g_0.
const (
	buckets  = 120
	gridMin  = 20.0 // seconds
	gridMax  = 1732.0
	fineness = 2 // steps of a view's lo and hi in each bucket
	// about is how far a silence may be from one of the grid, as a share, to be
	// taken for it: timers are late, and silences that are asked about are kept
	// to the nearest tenth of a second, which is less at gridMin already.
	about = 0.003
)

var (
	gridRatio = math.Pow(gridMax/gridMin, 1.0/(buckets-1))
	logRatio  = math.Log(gridRatio)
	grid      = makeGrid()
	beats     = makeBeats()
)

func makeGrid() (g [buckets]float64) {
	for k := range g {
		g[k] = gridMin * math.Pow(gridRatio, float64(k))
	}
	return g
}

// makeBeats is what each silence as an interval has of beats a second.
func makeBeats() (b [buckets]float64) {
	for k := range b {
		b[k] = 1 / grid[k]
	}
	return b
}

// floorBucket is the last k whose g_k is at most s, or about s; -1 where none
// is.
func floorBucket(s float64) int {
	s *= 1 + about
	if s < gridMin {
		return -1
	}
	k := min(int(math.Log(s/gridMin)/logRatio+1e-6), buckets-1)
	if k+1 < buckets && grid[k+1] <= s {
		k++
	}
	return k
}

// ceilBucket is the bucket that s lies in.
func ceilBucket(s float64) int {
	k := floorBucket(s)
	if k < 0 || grid[k] < s*(1-about) && k < buckets-1 {
		return k + 1
	}
	return k
}

// fineFloor is s as a view keeps it, rounded down. 0: less than gridMin.
func fineFloor(s float64) uint8 {
	s *= 1 + about
	if s < gridMin {
		return 0
	}
	return uint8(min(1+int(math.Log(s/gridMin)/logRatio*fineness+1e-6), 255))
}

// fineCeil is s rounded up.
func fineCeil(s float64) uint8 {
	s *= 1 - about
	if s <= gridMin {
		return 1
	}
	return uint8(min(1+int(math.Ceil(math.Log(s/gridMin)/logRatio*fineness-1e-6)), 255))
}

var fineGrid = func() (f [256]float64) {
	for i := 1; i < len(f); i++ {
		f[i] = gridMin * math.Pow(gridRatio, float64(i-1)/fineness)
	}
	return f
}()
