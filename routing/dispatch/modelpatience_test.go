package dispatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// A silent device is pushed when its patience is over, counted from the
// oldest event, though every four seconds a router is killed: what a dead
// one held comes again after AckWait, and the oldest event with it. Events
// go on all the while; the log keeps the last 16 of them, which is fewer than
// come within the patience of the hottest user.
func TestModelPatienceOverRouterDeaths(t *testing.T) {
	for _, every := range []time.Duration{3 * time.Second, 700 * time.Millisecond, 100 * time.Millisecond} {
		for seed := range uint64(12) {
			t.Run(fmt.Sprintf("%v/%d", every, seed), func(t *testing.T) {
				t.Parallel()
				runPatience(t, seed, every)
			})
		}
	}
}

func runPatience(t *testing.T, seed uint64, every time.Duration) {
	const (
		span = 40 * time.Second
		// Beyond the patience: what is in a dying router's hands for the last
		// time waits for AckWait, and the next one asks before it pushes.
		slack = 2*modelAckWait + grace + 2*time.Second
	)
	w := &world{t: t, cfg: Config{AckWait: modelAckWait}, rng: newRand(seed), now: time.UnixMilli(1_700_000_000_000),
		heads: map[string]int64{}, past: map[string][]logged{}, jobs: map[string]int64{}, quiet: true}
	d := &mDevice{w: w, id: table.ID("t", "u0", "d0"), token: true, recorded: true, sleepy: true, versions: map[string]int64{}}
	w.devices = []*mDevice{d}
	w.edges = []*mEdge{newMEdge(w, "e0")}
	for i := range 3 {
		w.routers = append(w.routers, newMRouter(w, fmt.Sprintf("r%d", i)))
	}
	w.at(0, w.step)
	w.at(4*time.Second, d.connect)
	w.run(6 * time.Second)

	for at := time.Duration(0); at < span; at += every {
		w.at(at, func() { w.append("u0", "k", true, routing.UrgencyNormal); w.forget(16) })
	}
	for i := range int(span / (4 * time.Second)) {
		w.at(time.Duration(i)*4*time.Second+w.ms(0, 500), func() { w.routers[i%3].restart(false) })
	}
	late := time.Duration(0)
	told := 0
	w.onJob = func(j Job) {
		for ; told < len(w.log) && w.log[told].version <= j.Version; told++ {
			late = max(late, w.now.Sub(w.log[told].at))
		}
	}
	w.run(span + 30*time.Second)
	if told != len(w.log) {
		t.Fatalf("%d of %d events have a job", told, len(w.log))
	}
	if limit := routing.UrgencyNormal.Patience() + slack; late > limit {
		t.Errorf("a job was stored %v after its event, want at most %v", late, limit)
	}
}

// forget has the log keep the last n events: the others are delivered no
// more.
func (w *world) forget(n int) {
	for _, m := range w.log[:max(0, len(w.log)-n)] {
		m.done = true
	}
}
