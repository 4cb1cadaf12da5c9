package push

import (
	"context"
	"sync"
	"testing"
	"time"
)

// ticket is a delivery that remembers how it was resolved, and that comes back
// to the worker if comeBack is set, as a stream's would.
type ticket struct {
	t         *testing.T
	mu        sync.Mutex
	how       string
	after     time.Duration
	hold      int
	times     int
	lost      bool
	err       error
	holds     int // how often it was written down
	postponed int
	deadApp   string // the application that it was given up for
	timer     *time.Timer
	comeBack  func()
	heldAs    func(until time.Time, hold int, waitsFor string)
}

func (k *ticket) resolve(how string, after time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.times++
	k.how, k.after = how, after
	if how != "retry" {
		return
	}
	if k.comeBack != nil {
		k.times--
		k.timer = time.AfterFunc(max(after, atOnce), k.again)
	}
}

// again gives the job once more, unless a newer one took its place meanwhile.
func (k *ticket) again() {
	k.mu.Lock()
	comeBack := k.comeBack
	k.mu.Unlock()
	if comeBack != nil {
		comeBack()
	}
}

// replaced is told when a newer job takes this one's place in the queue.
func (k *ticket) replaced() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lost, k.comeBack = true, nil
}

// fail has the queue not say whether the job is current.
func (k *ticket) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

// Current says no once the stream gave the job, or a newer one, to another
// worker.
func (k *ticket) Current(context.Context) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.lost, k.err
}

func (k *ticket) Drop() { k.resolve("drop", 0) }

func (k *ticket) Done() { k.resolve("done", 0) }

func (k *ticket) Retry(d time.Duration) { k.resolve("retry", d) }

// Hold has the job come back as the queue does: what is written down is handed
// out at once where it waits for an application.
func (k *ticket) Hold(until time.Time, hold int, waitsFor, _ string) {
	k.mu.Lock()
	k.hold = hold
	k.holds++
	if k.heldAs != nil {
		k.heldAs(until, hold, waitsFor)
	}
	k.mu.Unlock()
	after := time.Until(until)
	if waitsFor != "" && k.comeBack != nil {
		after = 0
	}
	k.resolve("retry", after)
}

func (k *ticket) Postpone(until time.Time) (recall func()) {
	k.mu.Lock()
	k.postponed++
	k.mu.Unlock()
	k.resolve("retry", time.Until(until))
	k.mu.Lock()
	defer k.mu.Unlock()
	timer := k.timer
	return func() {
		if timer != nil && timer.Stop() {
			k.again()
		}
	}
}

func (k *ticket) Dead(app, reason string) {
	k.mu.Lock()
	k.deadApp = app
	k.mu.Unlock()
	k.resolve("dead "+reason, 0)
}

// resolved returns how the delivery was resolved last.
func (k *ticket) resolved() (how string, after time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.how, k.after
}

// held returns why the job was held, and for how long.
func (k *ticket) held() (hold int, after time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.hold, k.after
}

// want checks how the delivery was resolved, and that it was once.
func (k *ticket) want(how string) {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	returned := how == "retry" && k.comeBack != nil
	if k.how != how || (how != "" && k.times != 1 && !returned) {
		k.t.Errorf("delivery: %q (%d times), want %q", k.how, k.times, how)
	}
}
