//go:build unix

package sendtest

import (
	"context"
	"crypto/x509"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/apns"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// How many stored pushes a second a core makes, NATS included: from jobs that
// wait in the stream to their acceptance, and until none is left.
func TestPushesASecondACore(t *testing.T) {
	if os.Getenv("HAWSER_PUSH_COST") == "" {
		t.Skip("a measurement that wants the machine for itself: set HAWSER_PUSH_COST=1")
	}
	const jobs = 30_000
	url, roots := providertest.Fake(t)
	c := &counted{provider: fakeApp(t, url, roots), done: make(chan struct{}), left: jobs}
	key := push.AppKey{Tenant: "good", Platform: push.IOS, App: "a"}
	srv := natstest.Run(t, routing.User{Role: routing.RoleRouter, Label: "r1"}, routing.User{Role: routing.RolePush, Label: "p1"})
	_, router := srv.JetStream("r1", routing.StreamOptions{})
	store := pushqueue.NewStore(router, nil)
	t.Cleanup(store.Close)
	const atOnce = 500
	stored := make(chan error, atOnce)
	for i := range jobs + atOnce {
		if i >= atOnce {
			if err := <-stored; err != nil {
				t.Fatal(err)
			}
		}
		if i < jobs {
			store.Put(jobOf("good", i), func(err error) { stored <- err })
		}
	}
	begin, cpu := time.Now(), cpuTime(t)
	js, err := jetstream.New(srv.Conn(routing.RolePush, "p1"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	working.Go(func() {
		s := notedSystem{system{map[string]push.AppKey{"good": key}}, newHopLog("")}
		if err := work(ctx, js, s, map[push.AppKey]push.Provider{key: c}); err != nil {
			t.Error(err)
		}
	})
	<-c.done
	took, used := time.Since(begin), cpuTime(t)-cpu
	t.Logf("%d stored pushes in %v: %.0f/s; %v of CPU, with NATS and without the push service: %.0f pushes a second a core",
		jobs, took.Round(time.Millisecond), jobs/took.Seconds(), used.Round(time.Millisecond), jobs/used.Seconds())
}

func fakeApp(t *testing.T, url string, roots *x509.CertPool) push.Provider {
	t.Helper()
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{}) // for its key
	pool := apns.NewPool(slog.New(slog.DiscardHandler))
	t.Cleanup(pool.Close)
	a, err := pool.App(apns.Config{
		TeamID: sim.TeamID(), KeyID: sim.KeyID(), Key: sim.Key(), Topic: "org.example.chat", Endpoint: url, RootCAs: roots,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
