package sendtest

import (
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/apns"
	"github.com/hawser-edge/hawser/push/fcm"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// One application's service is a black hole, and another one's credentials were
// revoked. The third one's pushes all go, and take no longer than when it is
// alone. As the two come back nothing is lost.
func TestTroubleOfOthers(t *testing.T) {
	rate, rounds, lasts := 200, 1, 2*time.Second
	measured := os.Getenv("HAWSER_PUSH_COST") != ""
	if measured {
		// Many short rounds in turns: what else the machine does falls on both.
		rate, rounds, lasts = 300, 10, 3*time.Second
	}
	good := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	hole := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{})
	revoked := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{KeyID: "ANOTHERKEY"})
	f := newFleet(t,
		app{push.AppKey{Tenant: "good", Platform: push.IOS, App: "a"}, apnsApp(t, good, good.KeyID())},
		app{push.AppKey{Tenant: "hole", Platform: push.Android, App: "a"}, fcmApp(t, hole)},
		app{push.AppKey{Tenant: "revoked", Platform: push.IOS, App: "a"}, apnsApp(t, revoked, "REVOKEDKEY")})
	f.start()
	hole.Freeze(true)
	l := &load{f: f, rate: rate, lasts: lasts}
	l.run("good")
	l.arrive(good)
	var alone, beside []time.Duration
	for range rounds {
		l.run("good")
		alone = append(alone, l.arrive(good)...)
		l.run("good", "hole", "revoked")
		beside = append(beside, l.arrive(good)...)
	}
	a, b := quantile(alone, 0.99), quantile(beside, 0.99)
	t.Logf("decision to wire of %d and %d pushes at %d/s: alone p50 %v, p99 %v; beside a black hole and revoked credentials p50 %v, p99 %v: %.2fx",
		len(alone), len(beside), rate, quantile(alone, 0.5), a, quantile(beside, 0.5), b, float64(b)/float64(a))
	if measured && float64(b) > 1.2*float64(a) {
		t.Errorf("the others' trouble makes p99 %.2f times as long, want 1.2 at the most", float64(b)/float64(a))
	}
	if n := hole.Count() + revoked.Count(); n != 0 {
		t.Errorf("%d pushes of the others were taken", n)
	}
	hole.Freeze(false)
	begin := time.Now()
	providertest.Until(t, func() bool { return hole.Count() > 0 })
	t.Logf("the first push %v after the black hole ended", time.Since(begin).Round(time.Millisecond))
	providertest.Until(t, func() bool { return hole.Count() >= l.given["hole"] })
	took := time.Since(begin)
	t.Logf("all %d that waited %v after it ended", l.given["hole"], took.Round(time.Millisecond))
	if measured && took > 12*time.Second {
		t.Errorf("what waited for a black hole took %v after its end, want 12s at the most", took)
	}
}

func apnsApp(t *testing.T, sim *pushtest.APNs, key string) push.Provider {
	t.Helper()
	pool := apns.NewPool(slog.New(slog.DiscardHandler))
	t.Cleanup(pool.Close)
	a, err := pool.App(apns.Config{
		TeamID: sim.TeamID(), KeyID: key, Key: sim.Key(), Topic: "org.example.chat", Endpoint: sim.URL(), RootCAs: sim.RootCAs(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func fcmApp(t *testing.T, sim *pushtest.FCM) push.Provider {
	t.Helper()
	c, err := fcm.New(fcm.Config{
		Credentials: sim.ServiceAccount(), Endpoint: sim.URL(), RootCAs: sim.RootCAs(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// load gives jobs at an even rate, each of another device.
type load struct {
	f     *fleet
	rate  int
	lasts time.Duration

	next    int
	given   map[string]int
	decided map[string]time.Time // of the first tenant of the last run, by token
}

// run gives jobs of each tenant at the rate.
func (l *load) run(tenants ...string) {
	l.decided = map[string]time.Time{}
	if l.given == nil {
		l.given = map[string]int{}
	}
	var stored sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(l.rate))
	defer tick.Stop()
	for range int(l.lasts.Seconds() * float64(l.rate)) {
		<-tick.C
		l.next++
		for i, tenant := range tenants {
			if i == 0 {
				l.decided[tokenOf(deviceOf(l.next))] = time.Now()
			}
			l.given[tenant]++
			stored.Add(1)
			l.f.put(tenant, l.next, func(err error) {
				defer stored.Done()
				if err != nil {
					l.f.t.Errorf("store a job: %v", err)
				}
			})
		}
	}
	stored.Wait()
}

// arrive waits until all of the last run came, and returns how long each took
// from the decision to the wire.
func (l *load) arrive(sim *pushtest.APNs) []time.Duration {
	l.f.t.Helper()
	providertest.Until(l.f.t, func() bool { return sim.Count() >= l.given["good"] })
	var took []time.Duration
	for _, n := range sim.Take() {
		if at, ok := l.decided[n.Token]; ok {
			took = append(took, n.At.Sub(at))
		}
	}
	if len(took) != len(l.decided) {
		l.f.t.Errorf("%d pushes came of %d", len(took), len(l.decided))
	}
	return took
}

func quantile(all []time.Duration, q float64) time.Duration {
	slices.Sort(all)
	return all[int(q*float64(len(all)-1))].Round(10 * time.Microsecond)
}
