package pushqueue_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// A job that is held comes when its time has come, over the end of the worker
// and of NATS and over newer jobs, of which there is one push then.
func TestHeldJobOutlivesAll(t *testing.T) {
	e := start(t)
	first := e.consume(pushqueue.ConsumeConfig{})
	e.put(job(1))
	until := time.Now().Add(12 * time.Second) // far above what the steps before take
	first.next().Hold(until, pushqueue.HoldRetry, "", "TooManyRequests")
	e.held(1)
	e.put(job(2))
	e.held(2)
	first.stop()
	e.srv.Restart(nil)
	urgent := job(3)
	urgent.Urgency = 3
	e.put(urgent)

	d := e.consume(pushqueue.ConsumeConfig{}).next()
	if early := time.Until(until); early > 50*time.Millisecond {
		t.Errorf("the job came %v too early", early)
	}
	if j := d.Job; j.Version != 3 || j.Failures != 1 || j.Reason != "TooManyRequests" || j.Urgency != 3 {
		t.Errorf("%+v came", j)
	}
	d.Done()
	e.empty()
}

// held waits until the one job in the stream is of the version, and held.
func (e *env) held(version int64) {
	e.t.Helper()
	for {
		jobs := e.stored()
		if len(jobs) == 1 && jobs[0].Version == version && jobs[0].NotBefore.After(time.Now()) {
			return
		}
		select {
		case <-e.ctx.Done():
			e.t.Fatalf("stored: %+v", jobs)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// What is more urgent than a hold allows for comes at once, and takes what is
// held along.
func TestHoldIsLifted(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	later := time.Now().Add(time.Hour)

	e.put(job(1))
	w.next().Hold(later, pushqueue.HoldQuiet, "", "quiet hours")
	e.held(1)
	call := job(2)
	call.Urgency = 3
	e.put(call)
	d := w.next()
	if d.Job.Version != 2 || d.Job.Hold != pushqueue.HoldNone || !d.Job.NotBefore.IsZero() {
		t.Errorf("%+v came", d.Job)
	}
	d.Done()
	e.empty()

	low := job(3)
	low.Urgency, low.NotBefore, low.Hold = 1, later, pushqueue.HoldWindow
	e.put(low)
	e.held(3)
	e.put(job(4))
	d = w.next()
	if d.Job.Version != 4 {
		t.Errorf("%+v came", d.Job)
	}
	d.Done()
	e.empty()
}

// A worker may end when the job is written down and the one that it stands for
// is still there. That one is not pushed, and goes.
func TestHalfHeldJob(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	e.put(job(1))
	d := w.next()
	other := job(2)
	other.NotBefore, other.Hold = time.Now().Add(time.Hour), pushqueue.HoldRetry
	e.later(other)
	if jobs := e.stored(); len(jobs) != 2 {
		t.Fatalf("stored: %+v", jobs)
	}
	if ok, err := d.Current(e.ctx); ok || err != nil {
		t.Errorf("a job that is held elsewhere is current: %v", err)
	}
	d.Drop()
	e.held(2)
}

// TestSchedulesThatAreDueAtOnce measures how late the last of many held jobs is
// handed to the worker. In full, and with the bound of 1.5 s:
//
//	HAWSER_SCHEDULES=20000 go test -v -run SchedulesThatAreDueAtOnce ./routing/pushqueue
func TestSchedulesThatAreDueAtOnce(t *testing.T) {
	n, bound := 500, time.Minute
	if s := os.Getenv("HAWSER_SCHEDULES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
		bound = 1500 * time.Millisecond
	}
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	due := time.Now().Add(2*time.Second + time.Duration(n)*250*time.Microsecond)
	places := make(chan error, 500)
	for i := range n {
		j := job(1)
		j.User, j.NotBefore, j.Hold = fmt.Sprintf("u%d", i), due, pushqueue.HoldRetry
		if i >= cap(places) {
			if err := <-places; err != nil {
				t.Fatal(err)
			}
		}
		e.store.Put(j, func(err error) { places <- err })
	}
	for range min(n, cap(places)) {
		if err := <-places; err != nil {
			t.Fatal(err)
		}
	}
	if left := time.Until(due); left < 0 {
		t.Logf("they were stored %v after they were due", -left)
	}
	late := make([]time.Duration, 0, n)
	for seen := map[string]bool{}; len(late) < n; {
		d := w.next()
		// One whose storing was not confirmed in time is stored, and comes, twice.
		if !seen[d.Job.User] {
			seen[d.Job.User] = true
			late = append(late, time.Since(due))
		}
		d.Done()
	}
	slices.Sort(late)
	t.Logf("%d jobs due at once: handed out after p50 %v, p99 %v, all %v", n, late[n/2], late[n*99/100], late[n-1])
	if late[0] < -50*time.Millisecond || late[n-1] > bound {
		t.Errorf("the first came after %v, the last after %v", late[0], late[n-1])
	}
	e.doneWith(w)
}

// Urgent news that come after newer ones of no urgency are not held with these:
// two routers store in whatever order.
func TestUrgentNewsAreNotHeldWithNewerOnes(t *testing.T) {
	e := start(t)
	low := job(2)
	low.Urgency, low.NotBefore, low.Hold = 1, time.Now().Add(time.Hour), pushqueue.HoldWindow
	e.put(low)
	high := job(1)
	high.Urgency = 3
	e.put(high)
	jobs := e.stored()
	if len(jobs) != 1 || jobs[0].Version != 2 || jobs[0].Urgency != 3 || jobs[0].NotBefore.After(time.Now()) {
		t.Errorf("stored: %+v, want the newer version at once, and urgent", jobs)
	}
}
