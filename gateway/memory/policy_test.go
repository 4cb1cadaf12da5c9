package memory

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// fakeProcess holds live bytes, makes garbage at a rate, and collects it as
// GOGC and the soft limit say.
type fakeProcess struct {
	mu    sync.Mutex // the test and the policy take turns, but the detector cannot know
	last  time.Time
	rate  int64 // bytes a second
	s     sample
	gogc  int
	limit int64
	trims []time.Time
	// collected tells of a collection, where the test does.
	collected chan struct{}
	// trimTakes is how long a trim does.
	trimTakes time.Duration
}

func newFake(live int64) *fakeProcess {
	return &fakeProcess{
		last: time.Now(), gogc: 100, limit: math.MaxInt64,
		s: sample{own: live + 10*mib, objects: live, live: live, allocated: live, cores: 4},
	}
}

func (f *fakeProcess) sample() sample {
	f.mu.Lock()
	defer f.mu.Unlock()
	grown := int64(time.Since(f.last).Seconds() * float64(f.rate))
	f.last = time.Now()
	f.s.allocated += grown
	goal := f.s.live + f.s.live*int64(f.gogc)/100
	peak := min(f.s.objects+grown, goal)
	for f.s.objects += grown; f.s.objects > goal; f.s.objects -= goal - f.s.live {
		f.s.cycles++
		f.s.gcCPU += 2e-9 * float64(f.s.live)
	}
	f.s.own = max(f.s.own, peak+10*mib)
	f.s.free = f.s.own - f.s.objects - 10*mib
	f.s.gogc = f.gogc
	return f.s
}

func (f *fakeProcess) settings() (percent int, limit int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gogc, f.limit
}

func (f *fakeProcess) setGOGC(percent int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gogc = percent
}

func (f *fakeProcess) setLimit(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = bytes
}

func (f *fakeProcess) collections() (<-chan struct{}, func()) { return f.collected, func() {} }

func (f *fakeProcess) trim() {
	time.Sleep(f.trimTakes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trims = append(f.trims, time.Now())
	f.s.objects, f.s.free, f.s.own = f.s.live, 0, f.s.live+10*mib
}

// play lets the process allocate for a while.
func (f *fakeProcess) play(rate int64, d time.Duration) {
	f.mu.Lock()
	f.rate = rate
	f.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
}

// hold has so many bytes alive.
func (f *fakeProcess) hold(live int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.s.live, f.s.objects = live, live
}

func (f *fakeProcess) state() (gogc int, limit int64, trims int, own int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gogc, f.limit, len(f.trims), f.s.own
}

// fakeHost is a machine of which so much is available.
type fakeHost struct {
	mu          sync.Mutex
	total, free int64
}

func (h *fakeHost) Open(name string) (fs.File, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return fstest.MapFS{"proc/meminfo": {Data: []byte(machineOf(h.total, h.free))}}.Open(name)
}

func (h *fakeHost) set(free int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = free
}

// start runs a policy over a process of 4 cores and stops it at the end.
func start(t *testing.T, f *fakeProcess, root fs.FS, limits, paces bool) (stop func()) {
	t.Helper()
	_, stop = run(t, f, root, limits, paces)
	return stop
}

func run(t *testing.T, f *fakeProcess, root fs.FS, limits, paces bool) (p *Policy, stop func()) {
	t.Helper()
	p = &Policy{
		process: f, host: newHost(root), log: slog.New(slog.DiscardHandler), metrics: newMetrics(nil),
		limits: limits, paces: paces, rushes: make(chan struct{}, 1),
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Run(ctx)
	}()
	synctest.Wait()
	return p, func() { cancel(); <-ended }
}

const (
	idleRate = mib / 16
	fullRate = 200 * mib
)

func TestStormAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(200 * mib)
		stop := start(t, f, &fakeHost{total: 16 * gib, free: 8 * gib}, true, true)
		expect := func(when string, gogc, trims int) {
			t.Helper()
			if g, _, n, _ := f.state(); g != gogc || n != trims {
				t.Errorf("%s: GOGC %d instead of %d, %d trims instead of %d", when, g, gogc, n, trims)
			}
		}
		expect("at the start", 10, 0)
		f.play(idleRate, 10*time.Second)
		f.play(fullRate, 2*time.Second)
		expect("a storm of two seconds", 400, 0)
		f.play(fullRate, 30*time.Second)
		f.play(idleRate, 10*time.Second)
		expect("its lull", 400, 0)
		_, _, _, stormy := f.state()
		f.play(idleRate, 10*time.Second)
		expect("after it", 10, 1)
		if _, _, _, own := f.state(); stormy < 350*mib || own > 250*mib {
			t.Errorf("%d MiB in the storm, %d after it", stormy>>20, own>>20)
		}
		f.play(fullRate, 5*time.Second)
		f.play(idleRate, 20*time.Second)
		expect("after a second storm", 10, 2)
		f.play(idleRate, 2*time.Minute)
		expect("later, once for the beats since", 10, 3)
		f.play(0, time.Hour)
		expect("nothing to give back", 10, 3)
		stop()
		if g, l, _, _ := f.state(); g != 100 || l != math.MaxInt64 {
			t.Errorf("left behind: GOGC %d, limit %d", g, l)
		}
	})
}

// GOGC does not wait for the next sample where collections come one upon the
// other, and a burst is no storm.
func TestStormBetweenSamples(t *testing.T) {
	for _, c := range []struct{ rate, want int }{{fullRate, 400}, {4 * mib, 10}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(200 * mib)
			f.collected = make(chan struct{})
			defer start(t, f, fstest.MapFS{}, true, true)()
			f.play(idleRate, 2*time.Second)
			f.play(int64(c.rate), 300*time.Millisecond)
			f.collected <- struct{}{}
			synctest.Wait()
			if g, _, _, _ := f.state(); g != c.want {
				t.Errorf("%d MiB a second: GOGC %d instead of %d", c.rate/mib, g, c.want)
			}
		})
	}
}

// Who says that there is a storm need not allocate as much as one.
func TestRush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(200 * mib)
		p, stop := run(t, f, fstest.MapFS{}, true, true)
		defer stop()
		expect := func(when string, gogc int) {
			t.Helper()
			synctest.Wait()
			if g, _, _, _ := f.state(); g != gogc {
				t.Errorf("%s: GOGC %d instead of %d", when, g, gogc)
			}
		}
		f.play(idleRate, 1500*time.Millisecond)
		expect("in calm", 10)
		for range 3 {
			p.Rush()
			expect("in a rush", 400)
			f.play(idleRate, time.Second)
		}
		f.play(idleRate, 10*time.Second)
		expect("its lull", 400)
		f.play(idleRate, 10*time.Second)
		expect("after it", 10)
	})
}

// In between its ends GOGC moves by a fifth and more.
func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(200 * mib)
		defer start(t, f, fstest.MapFS{}, true, true)()
		for _, c := range []struct{ rate, want int }{{30 * mib, 20}, {35 * mib, 20}, {40 * mib, 27}, {48 * mib, 33}, {fullRate, 400}, {idleRate, 10}} {
			f.play(int64(c.rate), 30*time.Second)
			if g, _, _, _ := f.state(); g != c.want {
				t.Errorf("%d MiB a second: GOGC %d instead of %d", c.rate/mib, g, c.want)
			}
		}
	})
}

// Trims come at most every ten seconds, and less often where they take long.
func TestTrimsAreBounded(t *testing.T) {
	for takes, c := range map[time.Duration]struct{ least, most int }{0: {250, 360}, 4 * time.Second: {5, 9}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(200 * mib)
			f.trimTakes = takes
			defer start(t, f, fstest.MapFS{}, true, true)()
			f.play(3*mib, time.Hour)
			f.mu.Lock()
			defer f.mu.Unlock()
			if n := len(f.trims); n < c.least || n > c.most {
				t.Errorf("%d trims of %v in an hour", n, takes)
			}
		})
	}
}

func TestSoftLimit(t *testing.T) {
	for name, c := range map[string]struct {
		live, free, want int64
		short            bool
	}{
		"what it has and what is free, less a reserve": {200 * mib, 8 * gib, 8*gib + 210*mib - 512*mib, false},
		"no more than the reserve is free":             {200 * mib, 512 * mib, 10*mib + 220*mib, true},
		"others have taken everything":                 {200 * mib, 0, 10*mib + 220*mib, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, h := newFake(c.live), &fakeHost{total: 16 * gib, free: c.free}
				p, stop := run(t, f, h, true, true)
				defer stop()
				if _, l, _, _ := f.state(); l != c.want {
					t.Errorf("%d instead of %d", l, c.want)
				}
				if p.Short() != c.short {
					t.Errorf("short is %v", p.Short())
				}
			})
		})
	}
}

// The soft limit moves with what is free, and not with every page.
func TestSoftLimitFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, h := newFake(200*mib), &fakeHost{total: 16 * gib, free: 8 * gib}
		defer start(t, f, h, true, false)()
		_, first, _, _ := f.state()
		h.set(8*gib - 100*mib)
		f.play(0, 5*time.Second)
		if _, l, _, _ := f.state(); l != first {
			t.Errorf("100 MiB moved it from %d to %d", first, l)
		}
		h.set(4 * gib)
		f.play(0, 2*time.Second)
		if _, l, _, _ := f.state(); l != first-4*gib {
			t.Errorf("4 GiB moved it from %d to %d", first, l)
		}
	})
}

// On a machine that others have filled, the soft limit is no less than what is
// held, however small that is beside the machine.
func TestSoftLimitOfTheSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(200 * mib)
		defer start(t, f, &fakeHost{total: 256 * gib, free: 0}, true, true)()
		f.hold(500 * mib)
		f.play(0, 2*time.Second)
		if _, l, _, _ := f.state(); l < 510*mib {
			t.Errorf("%d MiB with 500 MiB alive", l>>20)
		}
	})
}

// What the operator has set, and what is not to be paced, is left alone.
func TestLeftAlone(t *testing.T) {
	for _, limits := range []bool{false, true} {
		for _, paces := range []bool{false, true} {
			t.Run(fmt.Sprintf("limits %v, paces %v", limits, paces), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFake(200 * mib)
					f.gogc, f.limit = 70, 5*gib
					stop := start(t, f, &fakeHost{total: 16 * gib, free: 8 * gib}, limits, paces)
					f.play(fullRate, 10*time.Second)
					f.play(idleRate, 20*time.Second)
					g, l, n, _ := f.state()
					if (g == 70) == paces || (n == 0) == paces || (l == 5*gib) == limits {
						t.Errorf("GOGC %d, limit %d, %d trims", g, l, n)
					}
					stop()
					if g, l, _, _ := f.state(); g != 70 || l != 5*gib {
						t.Errorf("left behind: GOGC %d, limit %d", g, l)
					}
				})
			})
		}
	}
}

func TestVariables(t *testing.T) {
	t.Setenv("GOGC", "40")
	t.Setenv("GOMEMLIMIT", "")
	p := New(Options{Log: slog.New(slog.DiscardHandler), Idle: true})
	if p.paces || !p.limits {
		t.Errorf("paces %v, limits %v", p.paces, p.limits)
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "1GiB")
	p = New(Options{Log: slog.New(slog.DiscardHandler), Idle: true})
	if !p.paces || p.limits {
		t.Errorf("paces %v, limits %v", p.paces, p.limits)
	}
}
