package push

import (
	"slices"
	"testing"
	"time"
)

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	for _, before := range []int{0, 1, 5, 9, 64, 1 << 30} {
		var waits []time.Duration
		for range 200 {
			waits = append(waits, backoff(before, theirsMax))
		}
		slices.Sort(waits)
		if waits[0] < backoffBase/4 || waits[len(waits)-1] > theirsMax+backoffBase {
			t.Errorf("after %d failures: %v to %v", before, waits[0], waits[len(waits)-1])
		}
		if before == 5 && waits[len(waits)-1] < 10*time.Second {
			t.Errorf("after 5 failures at most %v", waits[len(waits)-1])
		}
		// Full jitter: anything up to the ceiling is as likely, so that what failed
		// together returns one by one.
		if least, most := waits[0]-backoffBase/4, waits[len(waits)-1]; 4*least > most || 4*waits[len(waits)/2] > 3*most {
			t.Errorf("after %d failures: %v to %v, the middle one %v", before, waits[0], most, waits[len(waits)/2])
		}
	}
}

// What fails while an earlier failure is waited for counts for nothing, and
// waits no longer than that one.
func TestFailuresAreCountedOnceAWait(t *testing.T) {
	var f failures
	now := time.Now()
	for want := 1; want < 12; want++ {
		over := now.Add(f.wait(now, theirsMax))
		for ; now.Before(over); now = now.Add(over.Sub(now)/3 + time.Millisecond) {
			if w := f.wait(now, theirsMax); now.Add(w).After(over.Add(backoffBase / 4)) {
				t.Fatalf("failure %d is waited for until %v more, a later one for %v", want, over.Sub(now), w)
			}
		}
		if f.count != want {
			t.Fatalf("%d failures are counted, want %d", f.count, want)
		}
	}
}

// While NATS elects, whatever the worker asks fails for all devices. A hot
// user's jobs come and fail many times meanwhile; the last one must be pushed
// soon after it is over, not when its many failures have been waited for.
func TestOwnTroubleIsSoonForgotten(t *testing.T) {
	for name, fail := range map[string]func(*bench, *ticket, error){
		"record": func(b *bench, _ *ticket, err error) { b.set(func(w *world) { w.recErr = err }) },
		"head":   func(b *bench, _ *ticket, err error) { b.set(func(w *world) { w.headErr = err }) },
		"queue":  func(_ *bench, k *ticket, err error) { k.fail(err) },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, nil, func(b *bench) {
				var last *ticket
				for version := range int64(120) {
					if last != nil {
						last.replaced()
					}
					last = &ticket{t: t}
					fail(b, last, errFake)
					j, k := job(version+1), last
					k.comeBack = func() { b.worker.Handle(j, k) }
					b.worker.Handle(j, k)
					pass(500 * time.Millisecond)
				}
				fail(b, last, nil)
				pass(oursMax + 2*time.Second)
				last.want("done")
				b.wantPushes(1)
			})
		})
	}
}
