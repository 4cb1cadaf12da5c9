package devicelimit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestABurstAndThenTheRate(t *testing.T) {
	l := New(Rate{20, 3 * time.Minute}, 100)
	now := epoch
	for i := range 20 {
		if w := l.Wait("d", now); w != 0 {
			t.Fatalf("message %d waits %v", i, w)
		}
		l.Sent("d", now)
	}
	if w := l.Wait("d", now); w != 3*time.Minute {
		t.Errorf("after the burst: %v, want 3m", w)
	}
	if w := l.Wait("another", now); w != 0 {
		t.Errorf("another device waits %v", w)
	}
	now = now.Add(3 * time.Minute)
	if w := l.Wait("d", now); w != 0 {
		t.Errorf("three minutes later: %v", w)
	}
	l.Sent("d", now)
	if w := l.Wait("d", now.Add(time.Minute)); w != 2*time.Minute {
		t.Errorf("a minute later: %v, want 2m", w)
	}
}

func TestRates(t *testing.T) {
	for _, c := range []struct {
		rate Rate
		in   time.Duration
		want int
	}{{PerMinute(240), time.Minute, 480}, {PerHour(5000), time.Hour, 10_000}} {
		l, sent := New(c.rate, 10), 0
		for now := epoch; now.Before(epoch.Add(c.in)); now = now.Add(c.rate.Every / 4) {
			if l.Wait("d", now) == 0 {
				l.Sent("d", now)
				sent++
			}
		}
		if sent < c.want*9/10 || sent > c.want {
			t.Errorf("%+v: %d messages, want the burst and the rate: %d", c.rate, sent, c.want)
		}
	}
}

func TestHold(t *testing.T) {
	for _, rate := range []Rate{{1, 0}, {5, time.Second}} {
		l := New(rate, 10)
		l.Hold("d", epoch, time.Minute)
		l.Hold("d", epoch, time.Second) // never shorter
		if w := l.Wait("d", epoch); w != time.Minute {
			t.Errorf("%+v: waits %v, want a minute", rate, w)
		}
		if w := l.Wait("d", epoch.Add(time.Minute)); w != 0 {
			t.Errorf("%+v: still waits %v", rate, w)
		}
	}
}

func TestMemoryIsBoundedAndKeepsTheBusy(t *testing.T) {
	l := New(Rate{1, time.Hour}, 100)
	for i := range 10_000 {
		now := epoch.Add(time.Duration(i) * time.Millisecond)
		if i%50 == 0 {
			l.Sent("busy", now)
		}
		l.Sent(fmt.Sprint(i), now)
	}
	if n := len(l.devices.sets) * ways; n > 256 {
		t.Errorf("room for %d devices, want 256 at most", n)
	}
	if l.Wait("busy", epoch.Add(10*time.Second)) == 0 {
		t.Error("a busy device was forgotten")
	}
}

// The memory is as large as many devices have something to wait for, not as many
// there are.
func TestMemoryIsOfThoseWhoWait(t *testing.T) {
	l, now := New(PerMinute(240), 1<<14), epoch
	for i := range 100_000 {
		l.Sent(fmt.Sprint(i), now)
		now = now.Add(time.Second)
	}
	if n := len(l.devices.sets); n != fewest {
		t.Errorf("%d sets for one busy device at a time, want %d", n, fewest)
	}
}

// As many as it is made for it remembers, and what it says of them is right.
func TestEveryDeviceIsRemembered(t *testing.T) {
	const devices = 10_000
	l, random := New(Rate{3, time.Minute}, devices), rand.New(rand.NewPCG(1, 2))
	free := slices.Repeat([]time.Time{epoch}, devices)
	forgotten := 0
	for now := epoch; now.Before(epoch.Add(10 * time.Minute)); now = now.Add(5 * time.Millisecond) {
		i := random.IntN(devices)
		want := max(0, free[i].Sub(now)-2*time.Minute)
		if got := l.Wait(fmt.Sprint(i), now); got != want {
			forgotten++
		}
		if want == 0 {
			l.Sent(fmt.Sprint(i), now)
			free[i] = later(free[i], now).Add(time.Minute)
		}
	}
	if forgotten > 1000 { // of 120,000
		t.Errorf("%d answers were wrong", forgotten)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
