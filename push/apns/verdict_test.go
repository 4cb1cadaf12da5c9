package apns

import (
	"context"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestVerdicts(t *testing.T) {
	app, sim := start(t)
	gone := time.UnixMilli(1_700_000_000_123)
	for _, c := range []struct {
		reply pushtest.Reply
		want  push.Result
	}{
		{pushtest.Reply{Status: 400, Reason: "BadCollapseId"}, push.Result{Verdict: push.Dead, Reason: "BadCollapseId"}},
		{pushtest.Reply{Status: 400, Reason: "BadDeviceToken"}, push.Result{Verdict: push.SuspectToken, Reason: "BadDeviceToken"}},
		{pushtest.Reply{Status: 400, Reason: "DeviceTokenNotForTopic"}, push.Result{Verdict: push.SuspectToken, Reason: "DeviceTokenNotForTopic"}},
		{pushtest.Reply{Status: 400, Reason: "IdleTimeout"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfLine, Reason: "IdleTimeout"}},
		{pushtest.Reply{Status: 400, Reason: "TopicDisallowed"}, push.Result{Verdict: push.PauseApp, Reason: "TopicDisallowed"}},
		{pushtest.Reply{Status: 403, Reason: "InvalidProviderToken"}, push.Result{Verdict: push.PauseApp, Reason: "InvalidProviderToken"}},
		{pushtest.Reply{Status: 403, Reason: "NewReasonOfNextYear"}, push.Result{Verdict: push.PauseApp, Reason: "http 403"}},
		{pushtest.Reply{Status: 410, Reason: "Unregistered", Timestamp: gone}, push.Result{Verdict: push.DropToken, Reason: "Unregistered", Unregistered: gone}},
		{pushtest.Reply{Status: 410, Reason: "ExpiredToken", Timestamp: gone}, push.Result{Verdict: push.DropToken, Reason: "ExpiredToken", Unregistered: gone}},
		{pushtest.Reply{Status: 410, Raw: "<html>gone</html>", ContentType: "text/html"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "http 410", After: serviceProbe}},
		{pushtest.Reply{Status: 413, Reason: "PayloadTooLarge"}, push.Result{Verdict: push.Dead, Reason: "PayloadTooLarge"}},
		{pushtest.Reply{Status: 500, Reason: "InternalServerError"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "InternalServerError", After: serviceProbe}},
		{pushtest.Reply{Status: 503, Reason: "ServiceUnavailable", RetryAfter: 2 * time.Minute}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "ServiceUnavailable", After: 2 * time.Minute}},
		{pushtest.Reply{Status: 503, Reason: "Shutdown"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfLine, Reason: "Shutdown"}},
		{pushtest.HTML404(), push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "http 404", After: serviceProbe}},
		{pushtest.Reply{Status: 302, Raw: "elsewhere", ContentType: "text/plain"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "http 302", After: serviceProbe}},
	} {
		before := len(sim.Requests())
		sim.Answer(c.reply)
		got := providertest.Send(t, app, message(device))
		if got.Unregistered.Equal(c.want.Unregistered) {
			got.Unregistered = c.want.Unregistered
		}
		if got != c.want {
			t.Errorf("%d %s: got %+v, want %+v", c.reply.Status, c.reply.Reason, got, c.want)
		}
		if n := len(sim.Requests()) - before; n != 1 {
			t.Errorf("%d %s: %d requests, want 1", c.reply.Status, c.reply.Reason, n)
		}
	}
}

// Too many provider tokens are nobody's fault: nothing more is sent with the key
// for a while, by any application, and the provider token stays.
func TestTooManyProviderTokens(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	var apps []*App
	for _, topic := range []string{"org.example.one", "org.example.two"} {
		cfg := configFor(sim)
		cfg.Topic = topic
		app, err := pool.App(cfg)
		if err != nil {
			t.Fatal(err)
		}
		apps = append(apps, app)
	}
	sim.Answer(pushtest.Reply{Status: 429, Reason: tooManyUpdates})
	for i, app := range []*App{apps[0], apps[0], apps[1]} {
		r := providertest.Send(t, app, message(device))
		if r.Verdict != push.PauseApp || r.Reason != tooManyUpdates || r.After <= 0 || r.After > restFirst {
			t.Errorf("message %d: %+v", i, r)
		}
	}
	if n := len(sim.Requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	s := apps[0].sender
	if s.bearer.kept.IsZero() {
		t.Error("the provider token is not kept")
	}
	s.rest = rest{}
	if r := providertest.Send(t, apps[1], message(device)); r.Verdict != push.Delivered {
		t.Errorf("after the rest: %+v", r)
	}
}

func TestRestsGrow(t *testing.T) {
	var r rest
	now := time.Unix(1_700_000_000, 0)
	if w := r.begin(now, 0); r.begin(now, time.Hour) != w {
		t.Error("what was under way prolonged the rest")
	}
	for range 10 {
		now = now.Add(r.left(now))
		r.begin(now, 0)
	}
	if w := r.left(now); w != restMax {
		t.Errorf("the eleventh rest lasts %v", w)
	}
	r.over()
	now = now.Add(restMax)
	if w := r.begin(now, 0); w != restFirst {
		t.Errorf("after a success the rest lasts %v", w)
	}
}

// A device that had too much is left alone, whatever it should be told.
func TestDeviceThatHadTooMuch(t *testing.T) {
	app, sim := start(t)
	sim.Answer(pushtest.Reply{Status: 429, Reason: tooManyRequests, RetryAfter: 77 * time.Second})
	for i := range 2 {
		r := providertest.Send(t, app, message(device))
		if r.Verdict != push.RetryAfter || r.Cause != push.OfMessage || r.After < 70*time.Second || r.After > 77*time.Second {
			t.Errorf("message %d: %+v", i, r)
		}
	}
	if n := len(sim.Requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	if r := providertest.Send(t, app, message("ab")); r.Verdict != push.Delivered {
		t.Errorf("another device: %+v", r)
	}
}

func TestBlackHoleEndsWithTheContext(t *testing.T) {
	app, sim := start(t)
	sim.BlackHole(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begin := time.Now()
	r := app.Send(ctx, message(device))
	if r.Verdict != push.RetryAfter || r.Reason != "timeout" {
		t.Errorf("result %+v", r)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	sim.BlackHole(false)
	if r := providertest.Send(t, app, message(device)); r.Verdict != push.Delivered {
		t.Errorf("repeat: %+v", r)
	}
	requests := sim.Requests()
	if len(requests) != 2 || requests[0].ID != requests[1].ID || requests[0].ID == "" {
		t.Errorf("the repeat must have the same id: %+v", requests)
	}
}

func TestNoServer(t *testing.T) {
	app, sim := start(t)
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	if r := providertest.Send(t, app, message(device)); r.Verdict != push.RetryAfter || r.Reason != "no connection" {
		t.Errorf("result %+v", r)
	}
}
