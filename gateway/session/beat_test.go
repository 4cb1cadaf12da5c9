package session

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// scripted is an engine that plans what it is told to, and keeps what it hears.
type scripted struct {
	heartbeat.Table

	mu   sync.Mutex
	plan heartbeat.Plan
	told []string
}

func (e *scripted) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, fmt.Sprintf(format, args...))
}

func (e *scripted) Open(_ time.Time, a heartbeat.Arrival) heartbeat.View {
	if a.Last != (heartbeat.Report{}) {
		e.note("last %d %v %v %v", a.Last.How, a.Last.LastGood, a.Last.FirstMiss, a.Last.Reconnect)
	}
	if a.State.Mute {
		e.note("mute")
	}
	return heartbeat.View{}
}

func (e *scripted) Move(_ time.Time, _ *heartbeat.View, p heartbeat.Path) { e.note("move %s", p.Radio) }

func (e *scripted) Shift(_ time.Time, _ *heartbeat.View, s heartbeat.State) {
	e.note("shift %v %v", s.Background, s.Mute)
}

func (e *scripted) Probed(_ time.Time, _ *heartbeat.View, silence time.Duration) {
	e.note("probed %v", silence.Round(time.Millisecond))
}

func (e *scripted) Notified(_ time.Time, _ *heartbeat.View, silence time.Duration) {
	e.note("notified %v", silence.Round(time.Millisecond))
}

func (e *scripted) Heard(_ time.Time, _ *heartbeat.View, silence time.Duration) {
	e.note("heard %v", silence.Round(time.Millisecond))
}

func (e *scripted) Rebound(_ time.Time, _ *heartbeat.View, silence time.Duration) {
	e.note("rebound %v", silence.Round(time.Second))
}

func (e *scripted) Next(time.Time, *heartbeat.View, float64) heartbeat.Plan {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.plan
}

func (e *scripted) Closed(_ time.Time, _ *heartbeat.View, how heartbeat.Ending, silence time.Duration) {
	e.note("closed %d %v", how, silence.Round(time.Millisecond))
}

// take returns what the engine was told since the last call.
func (e *scripted) take() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	told := strings.Join(e.told, ", ")
	e.told = nil
	return told
}

func (e *scripted) expect(t *testing.T, want string) {
	t.Helper()
	if got := e.take(); got != want {
		t.Errorf("the engine was told %q, want %q", got, want)
	}
}

const (
	testProbe    = 416 * time.Second // whole steps
	testInterval = testProbe + 8*time.Second
)

// probed runs a test against an edge whose engine plans a Probe.
func probed(t *testing.T, test func(*edge, *scripted)) {
	t.Helper()
	engine := &scripted{plan: heartbeat.Plan{Interval: testInterval, Probe: testProbe}}
	inBubble(t, func(c *Config) { c.Heartbeat = engine }, func(e *edge) { test(e, engine) })
}

// awaitProbe expects a Probe after silence.
func (d *device) awaitProbe(silence time.Duration) {
	d.t.Helper()
	d.silent(silence - time.Second)
	if f := d.next(); f.Type() != wire.TypeProbe {
		d.t.Fatalf("%s instead of Probe: %+v", f.Type(), f)
	}
}

func (d *device) expectPong() time.Duration {
	d.t.Helper()
	f := d.next()
	p, ok := f.(*wire.Pong)
	if !ok {
		d.t.Fatalf("%s instead of Pong", f.Type())
	}
	return p.Interval
}

// What the first frame after a Probe says.
func TestProbe(t *testing.T) {
	for name, tt := range map[string]struct {
		after  time.Duration
		frame  wire.Frame
		told   string
		result string
	}{
		"answered":                 {192 * time.Millisecond, &wire.Ping{Answer: true}, "heard 192ms", probeAnswered},
		"answered late":            {11 * time.Second, &wire.Ping{Answer: true}, "heard 1s", probeAnswered},
		"answered by an old SDK":   {3200 * time.Millisecond, &wire.Ping{}, "heard 1s", probeAnswered},
		"missed":                   {8 * time.Second, &wire.Ping{}, "heard 8s", probeMissed},
		"missed, at an early beat": {6400 * time.Millisecond, &wire.Ping{}, "heard 8s", probeMissed},
		"missed, and back late":    {20 * time.Second, &wire.Ping{}, "heard 20s", probeMissed},
		"disturbed":                {2 * time.Second, &wire.State{Background: true}, "heard 1m0s, shift true false", probeDisturbed},
	} {
		t.Run(name, func(t *testing.T) {
			probed(t, func(e *edge, engine *scripted) {
				d := e.connect(nil)
				synctest.Wait()
				d.awaitProbe(testProbe)
				engine.expect(t, fmt.Sprintf("probed %v", testProbe))
				time.Sleep(tt.after)
				d.send(tt.frame)
				synctest.Wait()
				engine.expect(t, tt.told)
				if got := e.counter("probes_ended_total", tt.result); got != 1 {
					t.Errorf("%v probes were %s", got, tt.result)
				}
				if tt.frame.Type() == wire.TypePing {
					if got := d.expectPong(); got != testInterval {
						t.Errorf("interval %v", got)
					}
					d.awaitProbe(testProbe) // the Pong is the last frame
				}
			})
		})
	}
}

// Frames of either side put a Probe off, and only a Pong plans another one.
func TestProbeWaitsForSilence(t *testing.T) {
	probed(t, func(e *edge, engine *scripted) {
		d := e.connect(nil)
		time.Sleep(300 * time.Second)
		e.srv.Hub().Notify(1, "r1", "messages", 1, 0)
		d.expectNotify("messages")
		time.Sleep(64 * time.Millisecond)
		d.ack("messages", 1)
		engine.expect(t, "notified 5m0s, heard 64ms")
		d.awaitProbe(testProbe)
		engine.take()
		d.send(&wire.Ack{Kind: wire.Kind{Number: 1}, Version: 1})
		d.silent(testInterval)
	})
}

// Whoever answers no Probe, and does not beat, is gone sooner than one that is
// silent.
func TestProbeOfNobody(t *testing.T) {
	probed(t, func(e *edge, engine *scripted) {
		d := e.connect(nil)
		d.awaitProbe(testProbe)
		start := time.Now()
		d.closed(wire.CloseIdle)
		if got := time.Since(start); got > 30*time.Second || got < 23*time.Second {
			t.Errorf("closed %v after the Probe", got)
		}
		synctest.Wait()
		if told := engine.take(); !strings.Contains(told, "closed 1 28.") {
			t.Errorf("the engine was told %q", told)
		}
	})
}

// A device that cannot beat is not expected to, is pushed at once, and hears
// its interval when it wakes.
func TestAsleep(t *testing.T) {
	for name, sleeper := range map[string]struct {
		hello  func(*wirepb.Hello)
		sleeps wire.State
	}{
		"asleep": {nil, wire.State{Asleep: true}},
		"ios":    {func(h *wirepb.Hello) { h.Platform = wirepb.Platform_PLATFORM_IOS }, wire.State{Background: true}},
	} {
		t.Run(name, func(t *testing.T) {
			engine := &scripted{plan: heartbeat.Plan{Interval: 5 * time.Minute}}
			inBubble(t, func(c *Config) { c.Heartbeat = engine }, func(e *edge) {
				d := e.connect(sleeper.hello)
				d.send(&sleeper.sleeps)
				d.expectPong()
				d.silent(heartbeat.Max)
				d.send(&wire.State{})
				d.expectPong()
				synctest.Wait()
				if got, want := e.registry.calls(), []string{"register 1", "register 1 background", "register 1"}; !slices.Equal(got, want) {
					t.Errorf("registered %q, want %q", got, want)
				}
				start := time.Now()
				d.closed(wire.CloseIdle)
				if got, want := time.Since(start), heartbeat.Deadline(5*time.Minute); got < want || got > want+time.Millisecond {
					t.Errorf("closed after %v, want %v", got, want)
				}
			})
		})
	}
}

// What Hello says of the device and its last connection reaches the engine.
func TestReport(t *testing.T) {
	engine := &scripted{plan: heartbeat.Plan{Interval: time.Minute}}
	inBubble(t, func(c *Config) { c.Heartbeat = engine }, func(e *edge) {
		e.connect(func(h *wirepb.Hello) {
			h.Asleep = true
			h.Last = &wirepb.LastConnection{
				End: wirepb.LastConnection_END_TIMEOUT, LastGoodGapMs: 240_000, FirstMissGapMs: 300_000, ReconnectDelayMs: 1 << 62,
			}
		})
		engine.expect(t, fmt.Sprintf("last %d 4m0s 5m0s %v, mute", heartbeat.HowTimeout, maxLease))
	})
}

// Deadlines shrink as the engine's time does.
func TestHeartbeatScale(t *testing.T) {
	engine := &scripted{plan: heartbeat.Plan{Interval: testInterval / 10, Probe: testProbe / 10}}
	inBubble(t, func(c *Config) { c.Heartbeat, c.HeartbeatScale = engine, 10 }, func(e *edge) {
		d := e.connect(nil)
		d.awaitProbe(testProbe / 10)
		time.Sleep(800 * time.Millisecond)
		d.send(&wire.Ping{})
		d.expectPong()
		if got := e.counter("probes_ended_total", probeMissed); got != 1 {
			t.Errorf("%v probes were missed", got)
		}
		d.awaitProbe(testProbe / 10)
		start := time.Now()
		d.closed(wire.CloseIdle)
		if got := time.Since(start); got > 3*time.Second {
			t.Errorf("closed %v after the Probe", got)
		}
	})
}

// What an idle session does all day leaves nothing to collect.
func TestBeatAllocatesNothing(t *testing.T) {
	inBubble(t, func(c *Config) {
		c.Heartbeat = heartbeat.NewLearner(time.Now(), heartbeat.Options{})
	}, func(e *edge) {
		e.connect(nil)
		synctest.Wait()
		s := e.srv.hub.find(1)
		s.mu.Lock()
		s.turning = true // nobody else writes
		s.mu.Unlock()
		beat, room := &wire.Ping{}, make([]byte, 0, 64)
		allocs := testing.AllocsPerRun(100, func() {
			if over := s.handle(beat); over != nil {
				t.Fatal(over.reason)
			}
			if b, _ := s.take(room); len(b) == 0 {
				t.Fatal("no Pong")
			}
			if _, last := s.take(room); !last {
				t.Fatal("there is more than a Pong")
			}
		})
		s.mu.Lock()
		s.turning = false
		s.mu.Unlock()
		if allocs > 0 {
			t.Errorf("a beat makes %v allocations", allocs)
		}
	})
}

// A Notify behind a Probe that was lost is lost with it: the device's beat soon
// after is none the more an answer.
func TestNotifyBehindAProbe(t *testing.T) {
	probed(t, func(e *edge, engine *scripted) {
		d := e.connect(nil)
		d.awaitProbe(testProbe)
		engine.take()
		time.Sleep(5 * time.Second)
		e.srv.Hub().Notify(1, "r1", "messages", 1, 0)
		d.expectNotify("messages")
		time.Sleep(3 * time.Second)
		d.send(&wire.Ping{})
		d.expectPong()
		engine.expect(t, "heard 8s")
		if got := e.counter("probes_ended_total", probeMissed); got != 1 {
			t.Errorf("%v probes were missed, want 1", got)
		}
	})
}

// standStill has the edge find that it did not look for so long.
func (e *edge) standStill(d time.Duration) {
	s := e.srv.hub.find(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard, s.wrote = s.heard-d, s.wrote-d
}

// A Probe of an edge that stood still crosses the beat of the device, which is
// no answer, while one that says so is.
func TestLateProbe(t *testing.T) {
	for name, tt := range map[string]struct {
		frame  wire.Frame
		result string
	}{
		"beat":   {&wire.Ping{}, probeDisturbed},
		"answer": {&wire.Ping{Answer: true}, probeAnswered},
	} {
		t.Run(name, func(t *testing.T) {
			probed(t, func(e *edge, engine *scripted) {
				d := e.connect(nil)
				d.silent(testProbe - time.Second)
				e.standStill(10 * time.Second)
				if f := d.next(); f.Type() != wire.TypeProbe {
					t.Fatalf("%s instead of Probe", f.Type())
				}
				time.Sleep(100 * time.Millisecond)
				d.send(tt.frame)
				d.expectPong()
				if got := e.counter("probes_ended_total", tt.result); got != 1 {
					t.Errorf("%v probes were %s, want 1: %s", got, tt.result, engine.take())
				}
			})
		})
	}
}

// An edge that stood still reads what has come before it gives a device up.
func TestIdleWhileTheEdgeStoodStill(t *testing.T) {
	engine := &scripted{plan: heartbeat.Plan{Interval: testInterval}}
	inBubble(t, func(c *Config) { c.Heartbeat = engine }, func(e *edge) {
		d := e.connect(nil)
		wait := heartbeat.Deadline(testInterval)
		d.silent(wait - time.Second)
		e.standStill(time.Minute)
		time.Sleep(time.Second + secondLook/2)
		d.send(&wire.Ping{}) // it has been there for long
		d.expectPong()
		d.silent(wait - time.Second)
		e.standStill(time.Minute)
		start := time.Now()
		d.closed(wire.CloseIdle)
		if got := time.Since(start); got > 3*time.Second {
			t.Errorf("closed after %v", got)
		}
	})
}
