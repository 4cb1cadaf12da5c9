package pushqueue_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

func TestNewerJobTakesThePlaceOfOlder(t *testing.T) {
	e := start(t)
	first := job(5)
	first.Urgency, first.EventAt = 3, epoch.Add(-time.Minute)
	first.LatestAt = epoch.Add(-time.Second)
	e.put(first)
	second := job(7)
	second.Push, second.LatestAt = []byte(`{"title":"x"}`), epoch.Add(time.Second)
	e.put(second)
	e.put(job(6))
	e.put(job(7))
	got := e.stored()
	if len(got) != 1 {
		t.Fatalf("%d jobs are stored, want 1: %+v", len(got), got)
	}
	j := got[0]
	if j.Version != 7 || j.Urgency != 3 || !j.EventAt.Equal(first.EventAt) || !j.LatestAt.Equal(second.LatestAt) || string(j.Push) != `{"title":"x"}` {
		t.Errorf("stored %+v: want version 7 with its content, the time of both and the first's urgency", j)
	}
}

// A call is stored for the end of its patience before its device is told. When
// the device goes meanwhile, the push is not to wait for that end.
func TestSameJobIsBroughtForward(t *testing.T) {
	for _, c := range []struct {
		hold, urgency int
		held          bool
	}{
		{pushqueue.HoldWindow, 3, false},
		{pushqueue.HoldWindow, 2, false},
		{pushqueue.HoldWindow, 1, true},
		{pushqueue.HoldQuiet, 2, true},
		{pushqueue.HoldRetry, 3, true},
	} {
		t.Run(fmt.Sprintf("hold %d urgency %d", c.hold, c.urgency), func(t *testing.T) {
			e := start(t)
			j := job(5)
			j.Urgency = c.urgency
			held := j
			held.NotBefore, held.Hold = time.Now().Add(time.Hour), c.hold
			e.put(held)
			e.put(j)
			e.put(held) // does not put it off again
			got := e.stored()
			if len(got) != 1 || got[0].NotBefore.IsZero() == c.held {
				t.Errorf("stored %+v; want it held: %t", got, c.held)
			}
		})
	}
}

// Routers come in any order: the newest job must stay.
func TestConcurrentPutsKeepTheNewest(t *testing.T) {
	e := start(t)
	const n = 60
	var wg sync.WaitGroup
	for _, v := range rand.Perm(n) {
		wg.Add(1)
		e.store.Put(job(int64(v+1)), func(err error) {
			defer wg.Done()
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := e.stored(); len(got) != 1 || got[0].Version != n {
		t.Fatalf("stored %+v, want version %d alone", got, n)
	}
}

// A full queue says so, and the event stays in the log; it does not make room
// by forgetting the pushes that wait the longest.
func TestFullQueueForgetsNothing(t *testing.T) {
	e := start(t)
	s, err := e.router.Stream(e.ctx, routing.StreamPush)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.MaxBytes = 4000
	if _, err := e.router.UpdateStream(e.ctx, cfg); err != nil {
		t.Fatal(err)
	}
	var accepted, refused atomic.Int64
	count := func(err error) {
		if err == nil {
			accepted.Add(1)
		} else {
			refused.Add(1)
		}
	}
	e.put(job(5))
	const n = 100
	for i := range n {
		j := job(1)
		j.Device = fmt.Sprint("other", i)
		e.store.Put(j, count)
	}
	time.Sleep(500 * time.Millisecond)
	e.put(job(6)) // takes the place of its older one, even now
	e.store.Close()
	got := e.stored()
	if len(got) != 1+int(accepted.Load()) || refused.Load() == 0 || accepted.Load()+refused.Load() != n {
		t.Errorf("%d accepted, %d refused, %d there", 1+accepted.Load(), refused.Load(), len(got))
	}
	if !slices.ContainsFunc(got, func(j pushqueue.Job) bool { return j.Device == "d1" && j.Version == 6 }) {
		t.Error("the newer job did not take the place of the older")
	}
}

func TestPutOutlastsARestart(t *testing.T) {
	e := start(t)
	done := make(chan error, 2)
	e.srv.Restart(func() {
		e.store.Put(job(1), func(err error) { done <- err })
		time.Sleep(100 * time.Millisecond)
	})
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("done was not called")
	}
	if got := e.stored(); len(got) != 1 {
		t.Fatalf("stored %+v", got)
	}
}

// With NATS away Put neither blocks nor queues without a bound, and every
// done is called once.
func TestPutIsBoundedWhileNATSIsAway(t *testing.T) {
	e := start(t)
	e.srv.Shutdown()
	var busy, ended atomic.Int64
	const n = pushqueue.MaxInFlight + 100
	calls := make([]atomic.Int64, n)
	began := time.Now()
	for i := range n {
		j := job(1)
		e.store.Put(j, func(err error) {
			calls[i].Add(1)
			switch {
			case errors.Is(err, pushqueue.ErrBusy):
				busy.Add(1)
			case err != nil:
				ended.Add(1)
			}
		})
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("Put blocked for %v", took)
	}
	if got := busy.Load(); got != 100 {
		t.Errorf("%d puts found the store busy, want 100", got)
	}
	e.store.Close()
	if got := ended.Load(); got != pushqueue.MaxInFlight {
		t.Errorf("%d puts ended with an error at Close, want %d", got, pushqueue.MaxInFlight)
	}
	for i := range calls {
		if got := calls[i].Load(); got != 1 {
			t.Fatalf("done of put %d was called %d times", i, got)
		}
	}
	if err := e.tryPut(job(1)); !errors.Is(err, pushqueue.ErrClosed) {
		t.Errorf("put after Close: %v", err)
	}
}

func TestBadJobsAreRefused(t *testing.T) {
	e := start(t)
	for name, change := range map[string]func(*pushqueue.Job){
		"tenant":  func(j *pushqueue.Job) { j.Tenant = "" },
		"user":    func(j *pushqueue.Job) { j.User = "a.b" },
		"device":  func(j *pushqueue.Job) { j.Device = "*" },
		"kind":    func(j *pushqueue.Job) { j.Kind = "a b" },
		"version": func(j *pushqueue.Job) { j.Version = 0 },
		"urgency": func(j *pushqueue.Job) { j.Urgency = 4 },
		"time":    func(j *pushqueue.Job) { j.EventAt = time.Time{} },
		"push":    func(j *pushqueue.Job) { j.Push = make([]byte, pushqueue.MaxPush+1) },
	} {
		j := job(1)
		change(&j)
		if err := e.tryPut(j); !errors.Is(err, pushqueue.ErrJob) {
			t.Errorf("bad %s: %v", name, err)
		}
	}
	if got := e.stored(); len(got) != 0 {
		t.Errorf("stored %+v", got)
	}
}
