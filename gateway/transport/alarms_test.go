package transport

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// rung keeps what the stream's own deadline is.
type rung struct {
	mu       sync.Mutex
	deadline time.Time // Guarded by mu.
	told     int       // Guarded by mu: how often.
}

func (r *rung) SetReadDeadline(t time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deadline = t
	r.told++
	return nil
}

func (r *rung) calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told
}

func (r *rung) passed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.deadline.IsZero() && !time.Now().Before(r.deadline)
}

func TestAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newAlarms()
		defer all.close()
		const long = 2 * alarmSlots * alarmTick
		var far, moved, near, none rung
		a, b := &alarm{all: all, stream: &far}, &alarm{all: all, stream: &moved}
		c, d := &alarm{all: all, stream: &near}, &alarm{all: all, stream: &none}
		_ = a.set(time.Now().Add(long))
		_ = b.set(time.Now().Add(time.Minute))
		_ = c.set(time.Now().Add(time.Second))
		_ = d.set(time.Now().Add(time.Minute))
		_ = d.set(time.Time{})
		if far.calls()+moved.calls()+none.calls() > 0 || near.calls() != 1 {
			t.Fatalf("the streams were told: %d %d %d %d", far.calls(), moved.calls(), none.calls(), near.calls())
		}
		time.Sleep(30 * time.Second)
		_ = b.set(time.Now().Add(time.Minute)) // later than before
		time.Sleep(59 * time.Second)
		if moved.passed() {
			t.Error("the deadline passed where it had been before")
		}
		time.Sleep(3 * time.Second)
		if !moved.passed() {
			t.Error("the deadline that was moved did not pass")
		}
		_ = b.set(time.Now().Add(time.Minute))
		if moved.passed() {
			t.Error("the deadline that passed stays so")
		}
		_ = b.set(time.Now().Add(10 * time.Second)) // earlier than before
		time.Sleep(12 * time.Second)
		if !moved.passed() {
			t.Error("the deadline that was moved to an earlier time did not pass")
		}
		time.Sleep(long - 105*time.Second)
		if far.passed() {
			t.Error("the far deadline passed early")
		}
		time.Sleep(4 * time.Second)
		if !far.passed() || none.calls() > 0 {
			t.Errorf("far: passed %v; none: told %d times", far.passed(), none.calls())
		}
		runtime.KeepAlive([]*alarm{a, b, c, d})
	})
}

// A connection that is gone is not kept by a deadline in half an hour.
func TestAlarmsKeepNothing(t *testing.T) {
	all := newAlarms()
	defer all.close()
	freed := make(chan struct{})
	func() {
		stream := new(rung)
		runtime.AddCleanup(stream, func(c chan struct{}) { close(c) }, freed)
		_ = (&alarm{all: all, stream: stream}).set(time.Now().Add(time.Hour))
	}()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		select {
		case <-freed:
			return
		default:
		}
		if time.Now().After(end) {
			t.Fatal("kept")
		}
	}
}
