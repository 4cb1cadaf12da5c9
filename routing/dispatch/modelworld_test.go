package dispatch

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

const modelAckWait = 4 * time.Second

// world is one history.
type world struct {
	t       testing.TB
	cfg     Config
	rng     *rand.Rand
	now     time.Time
	events  eventHeap
	n       uint64
	loss    float64
	quiet   bool
	log     []*logged
	heads   map[string]int64
	past    map[string][]logged
	jobs    map[string]int64
	routers []*mRouter
	edges   []*mEdge
	devices []*mDevice
	lastInc int64
	// killed is when routers were.
	killed []time.Time
	// onJob, where set, is called for each job that is stored.
	onJob func(Job)
}

type mEvent struct {
	at time.Time
	n  uint64
	f  func()
}

type eventHeap []mEvent

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].n < h[j].n
}

func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *eventHeap) Push(x any) { *h = append(*h, x.(mEvent)) }

func (h *eventHeap) Pop() any {
	x := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return x
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{
		cfg: Config{AckWait: modelAckWait}, t: t, rng: newRand(seed), now: time.UnixMilli(1_700_000_000_000),
		heads: map[string]int64{}, past: map[string][]logged{}, jobs: map[string]int64{},
	}
	if w.rng.IntN(3) == 0 {
		w.cfg.MaxPending = 3 + w.rng.IntN(6) // few enough that tenants are relieved and put off
	}
	if w.rng.IntN(2) == 0 {
		w.cfg.LostWait, w.cfg.LostRate = w.ms(500, 6000), 1
	}
	for i := range 1 + w.rng.IntN(3) {
		w.routers = append(w.routers, newMRouter(w, fmt.Sprintf("r%d", i)))
	}
	for i := range 1 + w.rng.IntN(3) {
		w.edges = append(w.edges, newMEdge(w, fmt.Sprintf("e%d", i)))
	}
	for u := range 4 {
		for d := range 1 + w.rng.IntN(2) {
			dev := &mDevice{w: w, id: table.ID("t", fmt.Sprintf("u%d", u), fmt.Sprintf("d%d", d)), token: w.rng.IntN(2) == 0, versions: map[string]int64{}}
			dev.recorded = dev.token
			w.devices = append(w.devices, dev)
			for _, r := range w.routers {
				r.table.SetRecord(dev.id, dev.recorded)
			}
		}
	}
	return w
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

func (w *world) at(d time.Duration, f func()) {
	w.n++
	heap.Push(&w.events, mEvent{w.now.Add(d), w.n, f})
}

// send is the network: 1 to 50 ms, in no order, sometimes twice or never.
func (w *world) send(f func()) {
	if w.rng.Float64() < w.loss {
		return
	}
	w.at(w.ms(1, 50), f)
	if w.loss > 0 && w.rng.IntN(30) == 0 {
		w.at(w.ms(1, 500), f)
	}
}

func (w *world) ms(from, to int) time.Duration {
	return time.Duration(from+w.rng.IntN(to-from+1)) * time.Millisecond
}

func (w *world) chance(n int) bool { return w.rng.IntN(n) == 0 }

func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.events) > 0 && !w.events[0].at.After(end) {
		e := heap.Pop(&w.events).(mEvent)
		w.now = e.at
		e.f()
	}
	w.now = end
}

// incarnation is a process's start: later for each one.
func (w *world) incarnation() int64 {
	w.lastInc = max(w.lastInc+1, w.now.UnixMilli())
	return w.lastInc
}

// step is what happens every 20 ms: publishing and mischief.
func (w *world) step() {
	w.at(20*time.Millisecond, w.step)
	for _, m := range w.log {
		if m.owner != nil && !m.done && w.now.After(m.deadline) {
			m.owner = nil
		}
	}
	for _, r := range w.routers {
		r.step()
	}
	for _, e := range w.edges {
		e.step()
	}
	if w.quiet {
		return
	}
	if w.chance(15) {
		w.publish()
	}
	for _, d := range w.devices {
		d.mischief()
	}
	if w.chance(400) {
		w.routers[w.rng.IntN(len(w.routers))].restart(w.chance(2))
	}
	if w.chance(400) {
		w.routers[w.rng.IntN(len(w.routers))].freeze(w.ms(2100, 20000))
	}
	if w.chance(500) {
		w.edges[w.rng.IntN(len(w.edges))].restart()
	}
	if w.chance(200) {
		r := w.routers[w.rng.IntN(len(w.routers))]
		r.deafTo, r.deafUntil = w.edges[w.rng.IntN(len(w.edges))], w.now.Add(w.ms(1000, 8000))
	}
}

func (w *world) sessions() (n int) {
	for _, e := range w.edges {
		n += len(e.sessions)
	}
	return n
}
