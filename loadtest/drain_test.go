package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// Processes that share a port are stopped, as a supervisor stops them, and
// started again, while devices connect without a pause: each is let in.
// HAWSER_TEST_ROUNDS is how often, once without it.
func TestDrainOfSharedPort(t *testing.T) {
	if !transport.CanShare {
		t.Skip("processes of this system share no port")
	}
	t.Parallel()
	o, err := parse([]string{density, "--spawn", "--processes", "2"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := startFleet(t.Context(), t.TempDir(), o)
	defer func() {
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	if f.edges[0].Listen != f.edges[1].Listen {
		t.Fatalf("the edges have ports of their own: %+v", f.edges)
	}
	a := startArrivals(t, f)
	rounds, err := strconv.Atoi(os.Getenv("HAWSER_TEST_ROUNDS"))
	if err != nil {
		rounds = 1
	}
	for i := range rounds {
		a.more(t)
		restart(t, f, i%2)
	}
	a.more(t)
	a.end()
	t.Logf("%d devices were let in over %d drains, %d told to come back later, the slowest was let in after %v",
		a.welcomed.Load(), rounds, a.told.Load(), time.Duration(a.slowest.Load()))
	if n := a.refused.Load(); n > 0 {
		t.Errorf("%d devices were refused: %v", n, a.why.Load())
	}
}

// restart drains an edge and starts it again.
func restart(t *testing.T, f *fleet, n int) {
	t.Helper()
	if err := f.edgeProcesses[n].Stop(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	p, err := f.serve(ctx, f.edges[n])
	if p != nil {
		f.edgeProcesses[n] = p
	}
	if err != nil {
		t.Fatal(err)
	}
}

// arrivals are devices that connect, are welcomed and leave, without a pause.
type arrivals struct {
	w       *worker
	running sync.WaitGroup
	over    atomic.Bool

	welcomed, told, refused, slowest atomic.Int64
	why                              atomic.Value // string
}

func startArrivals(t *testing.T, f *fleet) *arrivals {
	t.Helper()
	const devices = 16
	a := &arrivals{w: newWorker()}
	err := a.w.prepare(Plan{
		Workers: 1, Conns: devices, Addrs: []string{f.edges[0].Listen}, CAFile: f.env.Path("ca.pem"), JWTKey: f.env.Path("demo.jwk"),
		Tenant: "demo", Users: "lt-%d", Transport: overTCP, Hello: helloSDK,
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range devices {
		a.running.Go(func() {
			for !a.over.Load() {
				a.arrive(n)
			}
		})
	}
	return a
}

func (a *arrivals) arrive(n int) {
	d, began := a.w.device(n), time.Now()
	_, err := a.w.greet(a.w.ctx, d, n)
	if wait, ok := d.slot.take(err, time.Now()); ok {
		a.told.Add(1) // there are too many at once, drain or not
		sleep.For(a.w.ctx, wait)
		return
	}
	if err != nil {
		a.refused.Add(1)
		a.why.Store(fmt.Sprintf("%s: %v", reasonOf(err), err))
		return
	}
	d.slot = slot{}
	d.departed()
	a.welcomed.Add(1)
	took := int64(time.Since(began))
	for s := a.slowest.Load(); took > s && !a.slowest.CompareAndSwap(s, took); s = a.slowest.Load() {
	}
}

// more waits until devices were let in again.
func (a *arrivals) more(t *testing.T) {
	t.Helper()
	want := a.welcomed.Load() + 50
	for end := time.Now().Add(time.Minute); a.welcomed.Load() < want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nobody is let in: %v", a.why.Load())
		}
	}
}

func (a *arrivals) end() {
	a.over.Store(true)
	a.running.Wait()
	a.w.leaveAll()
}
