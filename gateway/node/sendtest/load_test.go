//go:build unix

package sendtest

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// load gives jobs, each of another device.
type load struct {
	t            *testing.T
	store        *pushqueue.Store
	rate, others int // of the tenant "good" and of each other one, a second
	lasts        time.Duration
	warm         int // runs
	rand         *rand.Rand

	next  int
	given map[string]int

	// Guarded by mu.
	mu sync.Mutex
	// puts are those of the tenant "good" in the last run, by user.
	puts map[string]*put
}

func newLoad(f *fleet, s scale) *load {
	return &load{
		t: f.t, store: f.store, rate: s.rate, others: s.others, lasts: s.lasts, warm: s.warm,
		rand: rand.New(rand.NewPCG(1, 2)), given: map[string]int{},
	}
}

// put is a job from its decision on, until it is stored.
type put struct{ decided, stored time.Time }

// arrival is when a tenant's job is decided on, after the begin of a run.
type arrival struct {
	after  time.Duration
	tenant string
}

// run gives jobs of each tenant at its rate, at times of their own: backends do
// not wait for one another.
func (l *load) run(tenants ...string) {
	l.puts = map[string]*put{}
	var stored sync.WaitGroup
	begin := time.Now()
	for _, a := range l.arrivals(tenants) {
		time.Sleep(time.Until(begin.Add(a.after)))
		l.next++
		l.given[a.tenant]++
		stored.Add(1)
		l.put(a.tenant, l.next, stored.Done)
	}
	stored.Wait()
}

// pile gives so many jobs of each tenant, as fast as they are stored.
func (l *load) pile(jobs int, tenants ...string) {
	places := make(chan struct{}, 500)
	var stored sync.WaitGroup
	for range jobs {
		for _, tenant := range tenants {
			places <- struct{}{}
			stored.Add(1)
			l.next++
			l.given[tenant]++
			l.put(tenant, l.next, func() {
				<-places
				stored.Done()
			})
		}
	}
	stored.Wait()
}

func (l *load) arrivals(tenants []string) (all []arrival) {
	for _, tenant := range tenants {
		rate := l.others
		if tenant == "good" {
			rate = l.rate
		}
		for range int(l.lasts.Seconds() * float64(rate)) {
			all = append(all, arrival{time.Duration(l.rand.Int64N(int64(l.lasts))), tenant})
		}
	}
	slices.SortFunc(all, func(a, b arrival) int { return int(a.after - b.after) })
	return all
}

func (l *load) put(tenant string, number int, done func()) {
	p := &put{decided: time.Now()}
	l.store.Put(jobOf(tenant, number), func(err error) {
		defer done()
		if err != nil {
			l.t.Errorf("store a job: %v", err)
		}
		if tenant != "good" {
			return
		}
		p.stored = time.Now()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.puts[userOf(number)] = p
	})
}
