package push

import (
	"context"
	"testing"
	"time"
)

func TestRepeatOfAHeldJobDoesNotRemoveIt(t *testing.T) {
	run(t, nil, func(b *bench) {
		first := b.hand(job(4))
		second := b.hand(job(4))
		first.want("drop")
		pass(2 * time.Second)
		second.want("done")
		b.wantPushes(1)
	})
}

// A job that another worker has, or that a newer one replaced, is not pushed
// and not taken from the other one.
func TestJobOfAnotherWorkerIsNotPushed(t *testing.T) {
	run(t, nil, func(b *bench) {
		k := b.hand(job(4))
		k.mu.Lock()
		k.lost = true
		k.mu.Unlock()
		pass(2 * time.Second)
		k.want("drop")
		again := b.hand(job(5))
		again.mu.Lock()
		again.err = errFake
		again.mu.Unlock()
		pass(2 * time.Second)
		again.want("retry")
		b.wantPushes(0)
		b.hand(job(6))
		pass(2 * time.Second)
		if n := len(b.app.messages()); n != 1 {
			t.Errorf("%d pushes of a job that is the worker's own", n)
		}
	})
}

func TestHeldJobsAreBounded(t *testing.T) {
	run(t, func(c *Config) { c.MaxHeld = 2 }, func(b *bench) {
		j := job(1)
		var all []*ticket
		for _, d := range []string{"a", "b", "c"} {
			j.Device = d
			all = append(all, b.hand(j))
		}
		j.Device, j.Version = "a", 2
		more := b.hand(j) // needs no more room
		all[0].want("done")
		all[1].want("")
		all[2].want("retry")
		pass(2 * time.Second)
		more.want("done")
		all[1].want("done")
	})
}

func TestStopGivesJobsBack(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(func(ctx context.Context, _ Message) Result {
			<-ctx.Done()
			return Result{Verdict: RetryAfter, Reason: "timeout"}
		})
		sending := b.hand(job(1))
		pass(1500 * time.Millisecond)
		held := b.hand(job(2))
		begin := time.Now()
		b.stop()
		<-b.finished
		held.want("retry")
		sending.want("retry")
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("stopping took %v, want the grace of 3 s", took)
		}
		late := b.hand(job(3))
		late.want("retry")
	})
}

func TestAttemptUnderWayMayFinish(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(func(context.Context, Message) Result { time.Sleep(2 * time.Second); return Result{} })
		k := b.hand(job(1))
		pass(1500 * time.Millisecond)
		b.stop()
		<-b.finished
		k.want("done")
	})
}
