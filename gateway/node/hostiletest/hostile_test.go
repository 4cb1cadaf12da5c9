package hostiletest

import (
	"maps"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// heapGrowth and residentGrowth are what may stay behind in an edge that has
// seen all attacks once before: pools, tables and profiles that have found
// their size.
const (
	heapGrowth     = 8 << 20
	residentGrowth = 48 << 20
)

// Whoever means harm is bounded and counted by name, others are served
// meanwhile, and the edge is afterwards what it was.
func TestHostilePeers(t *testing.T) {
	e := startEdge(t)
	_, err := e.backend.Subscribe(routing.UpstreamSubject(tenant, "echo", "large"), func(m *nats.Msg) {
		_ = m.Respond(make([]byte, 60_000))
	})
	check(t, err)
	check(t, e.backend.Flush())
	p := e.connectPhones(4)
	defer p.close()
	p.served()

	var all []attack
	for _, a := range append(append(append([]attack(nil), beforeTLS...), beforeHello...), behindWelcome...) {
		if !a.long || os.Getenv("HAWSER_FAULTS") == "1" {
			all = append(all, a)
		}
	}
	few, many := 8, 32
	if os.Getenv("HAWSER_FAULTS") == "1" {
		many = 400
	}
	for _, a := range all { // what is made once
		if !a.long {
			e.suffer(t, a, few)
		}
	}
	before := e.rest()
	heap, resident := e.memory()
	for _, a := range all {
		began := time.Now()
		e.suffer(t, a, many)
		e.calm(t, before)
		t.Logf("%-34s %4d x %-28s %6v, slowest news meanwhile %v", a.name, many, a.counted,
			time.Since(began).Round(time.Millisecond), p.served().Round(time.Millisecond))
	}
	heapAfter, residentAfter := e.memory()
	t.Logf("heap %d KiB, then %d KiB; resident %d KiB, then %d KiB; %+v", heap>>10, heapAfter>>10, resident>>10, residentAfter>>10, e.rest())
	if heapAfter > heap+heapGrowth || residentAfter > resident+residentGrowth {
		t.Errorf("the edge has grown: heap from %d to %d, resident from %d to %d bytes", heap, heapAfter, resident, residentAfter)
	}
}

// suffer has an attack made by n connections at once, and sees each counted.
func (e *edge) suffer(t *testing.T, a attack, n int) {
	t.Helper()
	before := e.drops()
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	attackers := make([]attacker, n+a.extra)
	for i := range attackers {
		at := &attackers[i]
		at.edge, at.n, at.left = e, i, &left
		if a.far {
			at.from = net.IPv4(127, 77, 0, 1)
		}
		all.Go(func() {
			err := a.do(at)
			at.close()
			if err != nil && !a.far {
				t.Errorf("%s: %v", a.name, err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	var now map[string]int
	eventually(t, a.name+" is counted as "+a.counted, func() bool {
		now = since(before, e.drops())
		return now[a.counted] >= n && now[a.also] >= a.extra
	})
	want := map[string]int{a.counted: n}
	if a.extra > 0 {
		want[a.also] = a.extra
	}
	if !maps.Equal(now, want) {
		t.Errorf("%s is counted as %v, want %v", a.name, now, want)
	}
}

func since(before, after map[string]int) map[string]int {
	out := map[string]int{}
	for k, v := range after {
		if v -= before[k]; v != 0 {
			out[k] = v
		}
	}
	return out
}

// calm waits until the edge is as it was, but for the goroutines of clients
// that ask it for its metrics.
func (e *edge) calm(t *testing.T, before rest) {
	t.Helper()
	var now rest
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		now = e.rest()
		if now.Live == before.Live && now.Unidentified == 0 && now.Unfinished == 0 && now.Sockets == before.Sockets &&
			now.Files <= before.Files+2 && now.Goroutines <= before.Goroutines+8 {
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("the edge is not as it was: %+v, before %+v", now, before)
		}
	}
}
