package hostiletest

import (
	"errors"
	"maps"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/transport/tlspeer"
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
	if runtime.GOOS != "linux" {
		t.Skip("it counts descriptors and uses addresses as they are on Linux")
	}
	e := startEdge(t)
	if first := (&attacker{edge: e}); errors.Is(first.shake(), tlspeer.ErrSuite) {
		t.Skip(tlspeer.ErrSuite)
	} else {
		first.close()
	}
	_, err := e.backend.Subscribe(routing.UpstreamSubject(tenant, "echo", "large"), func(m *nats.Msg) {
		_ = m.Respond(make([]byte, 60_000))
	})
	check(t, err)
	check(t, e.backend.Flush())
	p := e.connectPhones(4)
	defer p.close()
	p.served()

	thorough := os.Getenv("HAWSER_FAULTS") == "1"
	rounds, n := chosen(), 8
	if thorough {
		n = 400
		for _, r := range rounds { // what is made once
			e.suffer(t, r, 20/len(r)+1)
		}
	}
	before := e.rest()
	heap, resident := e.memory()
	for _, r := range rounds {
		began, n := time.Now(), max(n/len(r), 8)
		e.suffer(t, r, n)
		e.calm(t, before)
		took, slowest := time.Since(began), p.served()
		for _, a := range r {
			t.Logf("%-42s %4d x %-28s %6v, slowest news meanwhile %v", a.name, n, a.counted,
				took.Round(time.Millisecond), slowest.Round(time.Millisecond))
		}
	}
	heapAfter, residentAfter := e.memory()
	t.Logf("heap %d KiB, then %d KiB; resident %d KiB, then %d KiB; %+v", heap>>10, heapAfter>>10, resident>>10, residentAfter>>10, e.rest())
	// What is resident depends on when garbage was collected, and under the race
	// detector on everything that ever was.
	if heapAfter > heap+heapGrowth || thorough && residentAfter > resident+residentGrowth {
		t.Errorf("the edge has grown: heap from %d to %d, resident from %d to %d bytes", heap, heapAfter, resident, residentAfter)
	}
}

// chosen are all attacks, those of a round at once.
func chosen() (rounds [][]attack) {
	var slow []attack
	for _, list := range [][]attack{beforeTLS, beforeHello, behindWelcome} {
		for _, a := range list {
			if a.slow {
				slow = append(slow, a)
				continue
			}
			rounds = append(rounds, []attack{a})
		}
	}
	return append(rounds, slow)
}

// suffer has attacks made by n connections each, all at once, and sees every
// one of them counted.
func (e *edge) suffer(t *testing.T, round []attack, n int) {
	t.Helper()
	before := e.drops()
	want := map[string]int{}
	var all sync.WaitGroup
	for i, a := range round {
		want[a.counted] += n
		if a.extra > 0 {
			want[a.also] += a.extra
		}
		e.attack(t, &all, a, n, i*10_000)
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	var now map[string]int
	defer func() {
		if t.Failed() {
			t.Logf("%s and so on are counted as %v, want %v", round[0].name, now, want)
		}
	}()
	eventually(t, "all are counted", func() bool {
		now = since(before, e.drops())
		return total(now) >= total(want)
	})
	if !maps.Equal(now, want) {
		t.Fail()
	}
}

// attack begins an attack by n devices and the extra ones, numbered from first.
func (e *edge) attack(t *testing.T, all *sync.WaitGroup, a attack, n, first int) {
	left := new(atomic.Int64)
	left.Store(int64(n))
	for i := range n + a.extra {
		at := &attacker{edge: e, n: first + i, left: left}
		if a.far {
			at.from = net.IPv4(127, 77, 0, 1)
		}
		all.Go(func() {
			err := a.do(at)
			at.close()
			if err != nil && !a.far { // some of those are reset in connecting
				t.Errorf("%s: %v", a.name, err)
			}
		})
	}
}

func total(counts map[string]int) (n int) {
	for _, v := range counts {
		n += v
	}
	return n
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
