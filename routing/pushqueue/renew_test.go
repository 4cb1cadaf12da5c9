package pushqueue_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// Consumers that take all that lies in the stream for settled, as servers with
// full disks were seen to leave them, hand it out once it was renewed.
func TestRenew(t *testing.T) {
	e := start(t)
	due, held, young := job(5), job(6), job(7)
	held.Device, held.NotBefore, held.Hold, held.Failures, held.Reason = "d2", time.Now().Add(time.Hour).Truncate(time.Millisecond), pushqueue.HoldRetry, 3, "busy"
	young.Device = "d3"
	e.put(due)
	e.put(held)
	before := e.stored()
	end, err := e.store.End(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.put(young)
	e.forget()
	if n := e.unseen(); n[routing.ConsumerPush] != 0 || n[routing.ConsumerPushLater] != 0 {
		t.Fatalf("%v jobs are to be handed out, want none", n)
	}

	for again, want := range []int{2, 0} {
		if n, err := e.store.Renew(t.Context(), end); err != nil || n != want {
			t.Fatalf("renewed %d jobs in call %d, want %d: %v", n, again, want, err)
		}
	}
	// A consumer hears of a job a moment after the stream has it.
	want := map[string]uint64{routing.ConsumerPush: 1, routing.ConsumerPushLater: 1}
	for end := time.Now().Add(30 * time.Second); !maps.Equal(e.unseen(), want); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%v jobs are to be handed out, want %v", e.unseen(), want)
		}
	}
	after := map[string]string{}
	for _, j := range e.stored() {
		after[j.Device] = fmt.Sprintf("%+v", j)
	}
	for _, j := range before {
		if got, want := after[j.Device], fmt.Sprintf("%+v", j); got != want {
			t.Errorf("the job is %s, was %s", got, want)
		}
	}
	w := e.consume(pushqueue.ConsumeConfig{})
	if d := w.next(); d.Job.Version != due.Version {
		t.Errorf("version %d is handed out, want %d", d.Job.Version, due.Version)
	}
}

// All are renewed, however they lie in the stream: close together, or far apart.
func TestRenewMany(t *testing.T) {
	e := start(t)
	const n, busy = 2000, 4000 // between the halves of n lies one busy device's
	for i := range n + busy {
		j := nth(i, 5)
		if i >= n/2 && i < n/2+busy {
			j = nth(n/2, 5)
		}
		if _, err := e.router.PublishAsync(routing.PushSubject(j.Tenant, j.User, j.Device, j.Kind), e.body(j)); err != nil {
			t.Fatal(err)
		}
		if i%1000 == 999 {
			<-e.router.PublishAsyncComplete()
		}
	}
	const left = n + 1
	renewed, err := e.store.Renew(t.Context(), n+busy)
	for err != nil && e.ctx.Err() == nil { // NATS may answer late where no processor is free: call again
		_, err = e.store.Renew(t.Context(), n+busy)
		renewed = left // of what was not answered some are written all the same
	}
	if renewed != left || err != nil {
		t.Errorf("%d renewed, %v, want %d", renewed, err, left)
	}
	end, err := e.store.End(t.Context())
	if want := uint64(n + busy + left); end != want || err != nil {
		t.Errorf("the newest job has the sequence %d, %v, want %d", end, err, want)
	}
}

// News that come while jobs are renewed stand.
func TestRenewLeavesNews(t *testing.T) {
	e := start(t)
	e.put(job(5))
	renewed := 0
	for v := int64(6); v <= 60; v++ {
		end, err := e.store.End(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			n, err := e.store.Renew(t.Context(), end)
			if renewed += n; err != nil {
				t.Error(err)
			}
		}()
		e.put(job(v))
		<-done
	}
	if renewed == 0 {
		t.Error("nothing was renewed meanwhile")
	}
	if jobs := e.stored(); len(jobs) != 1 || jobs[0].Version != 60 {
		t.Errorf("the jobs are %+v, want version 60", jobs)
	}
}
