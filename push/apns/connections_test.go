package apns

import (
	"fmt"
	"sync"
	"testing"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/h2conn"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestAppsOfOneTeamShareConnections(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	for i := range 5 {
		cfg := configFor(sim)
		cfg.Topic = fmt.Sprintf("org.example.app%d", i)
		app, err := pool.App(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if r := providertest.Send(t, app, message(device)); r.Verdict != push.Delivered {
			t.Fatalf("result %+v", r)
		}
	}
	// The first message of the token took the narrow connection, the others the wide one.
	if n := sim.Connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestTeamsDoNotShareCredentials(t *testing.T) {
	sim, elsewhere := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{}), providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	right := configFor(sim)
	team, key, place := right, right, configFor(elsewhere)
	team.TeamID, key.KeyID = "OTHERTEAM1", "OTHERKEY01"
	for _, c := range []struct {
		cfg  Config
		want push.Verdict
	}{{right, push.Delivered}, {team, push.PauseApp}, {key, push.PauseApp}, {place, push.Delivered}, {right, push.Delivered}} {
		app, err := pool.App(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if r := providertest.Send(t, app, message(device)); r.Verdict != c.want {
			t.Errorf("team %s, key %s: %+v", c.cfg.TeamID, c.cfg.KeyID, r)
		}
	}
}

func TestBurstStaysOnFewConnections(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{MaxStreams: 50})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	app, err := pool.App(configFor(sim))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			if r := providertest.Send(t, app, message(fmt.Sprintf("%064x", i%200))); r.Verdict != push.Delivered {
				t.Errorf("result %+v", r)
			}
		})
	}
	wg.Wait()
	if n := sim.Connections(); n > 4 { // one or two, more where one was left on the way
		t.Errorf("%d connections", n)
	}
	if n := sim.MaxConcurrent(); n > 2*45 {
		t.Errorf("%d requests at once: 90 %% of 50 on each connection is 45", n)
	}
	if n := sim.Count(); n != 400 {
		t.Errorf("%d accepted", n)
	}
}

func TestRejectedTokensStayOnTheNarrowConnection(t *testing.T) {
	app, sim := start(t)
	for _, token := range []string{device, device, "dead"} {
		providertest.Send(t, app, message(token))
	}
	sim.AnswerToken("dead", pushtest.Reply{Status: 400, Reason: "BadDeviceToken"})
	for range 3 {
		providertest.Send(t, app, message("dead"))
	}
	if app.sender.known.has("dead") || !app.sender.known.has(device) {
		t.Error("the wrong token counts as accepted")
	}
}

// A key that follows another one of its team knows what that one learned: which
// tokens are good, and which devices had too much.
func TestAnotherKeyKnowsTheDevices(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	former, err := pool.App(configFor(sim))
	if err != nil {
		t.Fatal(err)
	}
	providertest.Send(t, former, message(device))
	sim.AnswerToken("aa01", pushtest.Reply{Status: 429, Reason: tooManyRequests})
	providertest.Send(t, former, message("aa01"))

	cfg := configFor(sim)
	cfg.KeyID = "KEYSIM0002"
	if cfg.Key, err = sim.AddKey(cfg.TeamID, cfg.KeyID); err != nil {
		t.Fatal(err)
	}
	next, err := pool.App(cfg)
	if err != nil {
		t.Fatal(err)
	}
	before := len(sim.Requests())
	if r := providertest.Send(t, next, message("aa01")); r.Verdict != push.RetryAfter || len(sim.Requests()) != before {
		t.Errorf("a device that had too much: %+v", r)
	}
	if lane := next.sender.lane(device); lane != h2conn.Main {
		t.Errorf("a token that is good takes lane %d", lane)
	}
	if r := providertest.Send(t, next, message(device)); r.Verdict != push.Delivered {
		t.Errorf("result %+v", r)
	}
}

// Proven tokens use what is free on the side lane before one more connection is
// opened: a thousand under way take two.
func TestAThousandInFlight(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	app, err := pool.App(configFor(sim))
	if err != nil {
		t.Fatal(err)
	}
	all := func() {
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				if r := providertest.Send(t, app, message(fmt.Sprintf("%064x", i))); r.Verdict != push.Delivered {
					t.Errorf("result %+v", r)
				}
			})
		}
		wg.Wait()
	}
	all() // now every token is proven
	all() // and the main connection
	sim.BlackHole(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		all()
	}()
	providertest.Until(t, func() bool { return sim.MaxConcurrent() == 1000 })
	// On a machine that stands still one may have been lost before.
	if n := app.sender.h2.Connections(); n > 2 {
		t.Errorf("%d connections at 1,000 in flight", n)
	}
	sim.BlackHole(false)
	<-done
}

// Refused tokens have Apple allow a connection one request at a time. That
// befalls the side lane alone: tokens that were accepted before go on together.
func TestRefusedTokensDoNotNarrowTheOthers(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{ShrinkAfter: 1})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	app, err := pool.App(configFor(sim))
	if err != nil {
		t.Fatal(err)
	}
	const devices = 40
	send := func(n int) {
		if r := providertest.Send(t, app, message(fmt.Sprintf("%064x", n))); r.Verdict != push.Delivered {
			t.Errorf("result %+v", r)
		}
	}
	for i := range 2 * devices {
		send(i % devices) // by the second time each is proven
	}
	for i := range 20 {
		bad := fmt.Sprintf("bad%04d", i)
		bad = fmt.Sprintf("%x", bad)
		sim.AnswerToken(bad, pushtest.Reply{Status: 400, Reason: "BadDeviceToken"})
		providertest.Send(t, app, message(bad))
	}
	sim.BlackHole(true)
	var wg sync.WaitGroup
	for i := range devices {
		wg.Go(func() { send(i) })
	}
	providertest.Until(t, func() bool { return sim.MaxConcurrent() >= devices })
	sim.BlackHole(false)
	wg.Wait()
}

func TestShutdownMovesToAnotherConnection(t *testing.T) {
	app, sim := start(t)
	sim.Answer(pushtest.Reply{Status: 503, Reason: "Shutdown"})
	if r := providertest.Send(t, app, message(device)); r.Verdict != push.RetryAfter {
		t.Fatalf("result %+v", r)
	}
	if r := providertest.Send(t, app, message(device)); r.Verdict != push.Delivered {
		t.Fatalf("result %+v", r)
	}
	if n := sim.Connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}
