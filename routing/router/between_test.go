package router

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// A device connects to another edge in the very moment in which a router has
// found it away. With a token its push job is stored; with or without, it
// must hear: there is no moment in which it can be missed.
func TestConnectBetweenLookupAndPush(t *testing.T) {
	// What routers remember and the heads that edges ask for each suffice.
	for name, deaf := range map[string]bool{"heads and memory": false, "memory alone": true} {
		t.Run(name, func(t *testing.T) { connectBetween(t, deaf) })
	}
}

func connectBetween(t *testing.T, deaf bool) {
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	b := &between{rng: rand.New(rand.NewPCG(1, 2)), conns: map[string]uint64{}, tokens: map[string]bool{}}
	e := newEnv(t)
	r1 := e.router("r1", Hooks{BetweenLookupAndPush: b.onLoop, BeforeStore: b.onStore})
	r2 := e.router("r2", Hooks{BetweenLookupAndPush: b.onLoop, BeforeStore: b.onStore})
	eventually(t, "the routers are ready", func() bool { return r1.Ready() && r2.Ready() })
	b.edges = []*hub{e.edge("e1"), e.edge("e2")}
	for _, h := range b.edges {
		h.deaf.Store(deaf)
	}
	users := make([]string, rounds)
	for i := range users {
		users[i] = fmt.Sprintf("u%d", i)
		if b.tokens[users[i]] = i%2 == 0; i%2 == 0 {
			b.edges[0].put(users[i], "d1", "token-"+users[i])
			// Without a token a user is only found away if another device of
			// theirs brings them into the table.
			continue
		}
		b.edges[0].put(users[i], "tablet", "token-"+users[i])
	}
	for _, r := range []*running{r1, r2} {
		eventually(t, "the records are known", func() bool { return r.metrics.totals.Load().records == rounds })
	}
	b.round(t, e, users)
}

// between connects each user's device at a random moment around the router's
// decision.
type between struct {
	mu sync.Mutex
	// Guarded by mu.
	rng    *rand.Rand
	edges  []*hub
	conns  map[string]uint64
	tokens map[string]bool
}

// edgeOf is where a user's device turns up.
func (b *between) edgeOf(user string) *hub { return b.edges[len(user)%2] }

func (b *between) round(t *testing.T, e *env, users []string) {
	versions := map[string]int64{}
	for _, u := range users {
		versions[u] = e.publish(u, "messages")
	}
	e.settled()
	for _, u := range users {
		b.connect(u, 0) // those whose moment never came
	}
	for _, u := range users {
		heard := func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.edgeOf(u).heard(b.conns[u], "messages") >= versions[u]
		}
		eventually(t, u+" hears", heard)
		if b.tokens[u] && e.job(u, "d1", "messages") != versions[u] {
			t.Errorf("%s was away with a token and has no push job", u)
		}
	}
}

func (b *between) connect(user string, after time.Duration) {
	time.Sleep(after)
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, done := b.conns[user]; !done {
		b.conns[user] = b.edgeOf(user).connect(user, "d1", false)
	}
}

// moment draws where in the decision the device connects: on the loop's path
// before the job, beside the store of the job, or some time around.
func (b *between) moment(user string) (place int, pause time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rng.IntN(4), time.Duration(b.rng.IntN(3000)) * time.Microsecond
}

// onLoop blocks the router's loop: the registration waits behind it.
func (b *between) onLoop(a Away) {
	switch place, pause := b.moment(a.User); place {
	case 0:
		b.connect(a.User, 0)
		time.Sleep(pause)
	case 1:
		go b.connect(a.User, pause)
	}
}

// onStore blocks only the job: the registration is applied meanwhile.
func (b *between) onStore(a Away) {
	switch place, pause := b.moment(a.User); place {
	case 0, 1:
		b.connect(a.User, 0)
		time.Sleep(pause)
	case 2:
		go b.connect(a.User, pause)
	}
}
