package fcm

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// A device gets what Google allows it in a minute and in an hour, a burst and as
// much again, and another one as much.
func TestMessagesOfADevice(t *testing.T) {
	l, begin := newLimits(Config{}), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, token := range []string{"one", "another"} {
		sent := 0
		for now := begin; now.Before(begin.Add(time.Hour)); now = now.Add(50 * time.Millisecond) {
			if now.Equal(begin.Add(time.Minute)) && (sent < 2*devicePerMinute-1 || sent > 2*devicePerMinute) {
				t.Errorf("%d messages in the first minute, want %d", sent, 2*devicePerMinute)
			}
			if each, _ := l.wait(token, now); each == 0 {
				l.sent(token, false, now)
				sent++
			}
		}
		if sent < 2*devicePerHour-10 || sent > 2*devicePerHour {
			t.Errorf("%d messages in an hour, want %d", sent, 2*devicePerHour)
		}
	}
}

// Whoever is granted more than others, or tries things, has no limits.
func TestWithoutLimitsOnDevices(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{})
	cfg := configFor(sim)
	cfg.NoDeviceLimits = true
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for i := range collapsibleBurst + 2 {
		if r := providertest.Send(t, c, message()); r.Verdict != push.Delivered {
			t.Errorf("message %d: %+v", i, r)
		}
	}
}

// Google delivers a burst of 20 messages with a collapse key, and then one every
// three minutes: what it would hold back waits here, where a newer one replaces
// it. Messages that are not stored, urgent ones and other devices go; what shows
// something stays within the four keys of its application.
func TestCollapsibleMessagesOfADevice(t *testing.T) {
	c, sim := start(t)
	m := message()
	m.Expiry = time.Now().Add(time.Hour)
	for range collapsibleBurst {
		if r := providertest.Send(t, c, m); r.Verdict != push.Delivered {
			t.Fatalf("result %+v", r)
		}
	}
	r := providertest.Send(t, c, m)
	if r.Verdict != push.RetryAfter || r.Cause != push.OfMessage || r.Reason != reasonDevice || r.After < 2*time.Minute || r.After > collapsibleEvery {
		t.Errorf("one more: %+v", r)
	}
	if n := sim.Count(); n != collapsibleBurst {
		t.Errorf("%d messages came", n)
	}
	call, urgent, other := m, m, m
	call.Expiry, urgent.Urgency, other.Token = time.Time{}, push.High, "another"
	silent := urgent
	silent.Content = push.Content{Background: true}
	for i, m := range []push.Message{call, urgent, other, silent} {
		if r := providertest.Send(t, c, m); r.Verdict != push.Delivered {
			t.Errorf("result %+v", r)
		}
		all := sim.Received()
		if key, kept := all[len(all)-1].Collapse, i < 3; (key == m.Collapse) != kept || (key == "") == kept {
			t.Errorf("message %d has the collapse key %q", i, key)
		}
	}
}

// The worker keeps a project within what Google takes of it in a minute.
func TestLimitOfAProject(t *testing.T) {
	c, _ := start(t)
	if got := c.PerSecond(); got != 10_000 {
		t.Errorf("%v messages a second, want 600,000 a minute", got)
	}
}
