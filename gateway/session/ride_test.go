package session

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

func on2G(h *wirepb.Hello) { h.Network = &wirepb.Network{Radio: wirepb.Radio_RADIO_2G} }

// What is not urgent waits for the beat of a device on 2G, and comes with its
// answer.
func TestCalmNotifyRidesOnTheBeat(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(on2G)
		hub := e.srv.Hub()
		time.Sleep(awakeFor)
		a := hub.NotifyCalm(1, "r1", "messages", 7, 6)
		if a.State != InFlight || a.Rides <= 0 || a.Rides > time.Duration(d.welcome.IntervalMs)*time.Millisecond {
			t.Fatalf("%+v", a)
		}
		d.silent(3 * time.Second)
		if again := hub.NotifyCalm(1, "r2", "messages", 7, 6); again.State != InFlight || again.Rides <= 0 || again.Rides > a.Rides {
			t.Errorf("asked again: %+v", again)
		}
		d.send(&wire.Ping{})
		if _, ok := d.next().(*wire.Pong); !ok {
			t.Fatal("no Pong")
		}
		if v := d.expectNotify("messages"); v != 7 {
			t.Errorf("notified of %d", v)
		}
		if a := hub.NotifyCalm(1, "r1", "messages", 7, 6); a.State != InFlight || a.Rides != 0 {
			t.Errorf("once it is written: %+v", a)
		}
	})
}

// Any frame will do, also one that is not answered; and so will whatever the
// edge writes.
func TestCalmNotifyRidesOnAnything(t *testing.T) {
	for name, do := range map[string]func(*device, *Hub){
		"an acknowledgement":  func(d *device, _ *Hub) { d.ack("account", 3) },
		"the device's state":  func(d *device, _ *Hub) { d.send(&wire.State{Background: true}) },
		"what is more urgent": func(_ *device, h *Hub) { h.Notify(1, "r1", "messages", 8, 7) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(e *edge) {
				d := e.connect(on2G)
				time.Sleep(awakeFor)
				e.srv.Hub().NotifyCalm(1, "r1", "messages", 7, 6)
				d.silent(time.Second)
				do(d, e.srv.Hub())
				if v := d.expectNotify("messages"); v < 7 {
					t.Errorf("notified of %d", v)
				}
			})
		})
	}
}

func TestCalmNotifyThatDoesNotRide(t *testing.T) {
	for name, c := range map[string]struct {
		hello func(*wirepb.Hello)
		after time.Duration
	}{
		"another radio":   {func(h *wirepb.Hello) { h.Network = &wirepb.Network{Radio: wirepb.Radio_RADIO_4G} }, awakeFor},
		"no word of it":   {nil, awakeFor},
		"a radio awake":   {on2G, 0},
		"a device asleep": {func(h *wirepb.Hello) { on2G(h); h.Asleep = true }, awakeFor},
		"iOS, background": {func(h *wirepb.Hello) { on2G(h); h.Platform, h.Background = wirepb.Platform_PLATFORM_IOS, true }, awakeFor},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(e *edge) {
				d := e.connect(c.hello)
				time.Sleep(c.after)
				if a := e.srv.Hub().NotifyCalm(1, "r1", "messages", 7, 6); a.State != InFlight || a.Rides != 0 {
					t.Errorf("%+v", a)
				}
				d.expectNotify("messages")
			})
		})
	}
}

// What is not urgent waits for no beat that is far, nor of a device that cannot
// beat, nor behind a Probe, which the device answers at once if it gets it.
func TestCalmNotifyDoesNotWaitLong(t *testing.T) {
	for name, c := range map[string]struct {
		plan  heartbeat.Plan
		wait  func(*device)
		rides bool
	}{
		"a beat that is near": {heartbeat.Plan{Interval: maxRide}, func(*device) { time.Sleep(awakeFor) }, true},
		"a beat that is far":  {heartbeat.Plan{Interval: maxRide + time.Minute}, func(*device) { time.Sleep(awakeFor) }, false},
		"a device asleep": {heartbeat.Plan{Interval: maxRide}, func(d *device) {
			d.send(&wire.State{Asleep: true})
			d.expectPong()
			time.Sleep(awakeFor)
		}, false},
		"a probe under way": {heartbeat.Plan{Interval: maxRide, Probe: maxRide - afterProbe}, func(d *device) {
			d.awaitProbe(maxRide - afterProbe)
			time.Sleep(awakeFor + time.Second)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			engine := &scripted{plan: c.plan}
			inBubble(t, func(cfg *Config) { cfg.Heartbeat = engine }, func(e *edge) {
				d := e.connect(on2G)
				c.wait(d)
				a := e.srv.Hub().NotifyCalm(1, "r1", "messages", 7, 6)
				if a.State != InFlight || (a.Rides > 0) != c.rides {
					t.Errorf("%+v, want it to ride: %v", a, c.rides)
				}
			})
		})
	}
}

// Routers ask in any order: one that has something urgent is not kept waiting by
// another one, whose calm word of the same event, or of a newer one, came first.
func TestUrgentNotifyOfWhatRidesIsWritten(t *testing.T) {
	for _, version := range []int64{6, 7} {
		inBubble(t, nil, func(e *edge) {
			d := e.connect(on2G)
			time.Sleep(awakeFor)
			hub := e.srv.Hub()
			if a := hub.NotifyCalm(1, "r1", "messages", 7, 5); a.Rides <= 0 {
				t.Fatalf("%+v", a)
			}
			d.silent(time.Second)
			if a := hub.Notify(1, "r2", "messages", version, 5); a.State != InFlight || a.Rides != 0 {
				t.Errorf("asked for %d: %+v", version, a)
			}
			synctest.Wait()
			if v := d.expectNotify("messages"); v != 7 {
				t.Errorf("notified of %d", v)
			}
		})
	}
}

// A device that left 2G is woken; what rode goes with the answer to that.
func TestCalmNotifyAndAnotherNetwork(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(on2G)
		time.Sleep(awakeFor)
		e.srv.Hub().NotifyCalm(1, "r1", "messages", 7, 6)
		d.silent(time.Second)
		d.send(&wire.Network{Body: &wirepb.Network{Radio: wirepb.Radio_RADIO_WIFI}})
		if _, ok := d.next().(*wire.Pong); !ok {
			t.Fatal("no Pong")
		}
		d.expectNotify("messages")
		d.ack("messages", 7)
		time.Sleep(awakeFor)
		e.srv.Hub().NotifyCalm(1, "r1", "messages", 8, 7)
		synctest.Wait()
		d.expectNotify("messages")
	})
}

// An acknowledgement of what rides, as after a fetch for another reason, settles it.
func TestCalmNotifyAcknowledgedBefore(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(on2G)
		time.Sleep(awakeFor)
		e.srv.Hub().NotifyCalm(1, "r1", "messages", 7, 6)
		d.ack("messages", 7)
		d.silent(time.Second)
		if a := e.srv.Hub().NotifyCalm(1, "r1", "messages", 7, 6); a.State != Acked || a.Rides != 0 {
			t.Errorf("%+v", a)
		}
	})
}
