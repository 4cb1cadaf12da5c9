package fcm

import (
	"context"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestVerdicts(t *testing.T) {
	c, sim := start(t)
	for _, row := range []struct {
		reply pushtest.Reply
		want  push.Result
	}{
		{pushtest.Reply{Status: 404, Reason: "UNREGISTERED"}, push.Result{Verdict: push.DropToken, Reason: "UNREGISTERED"}},
		{pushtest.Reply{Status: 404}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "http 404", After: troubleWait}},
		{pushtest.HTML404(), push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "http 404", After: troubleWait}},
		{pushtest.BadRequest("wrong"), push.Result{Verdict: push.Dead, Reason: "http 400"}},
		{pushtest.Reply{Status: 403, Reason: "SENDER_ID_MISMATCH"}, push.Result{Verdict: push.SuspectToken, Reason: "SENDER_ID_MISMATCH"}},
		{pushtest.Reply{Status: 403}, push.Result{Verdict: push.PauseApp, Reason: "http 403"}},
		{pushtest.Reply{Status: 401, Reason: "THIRD_PARTY_AUTH_ERROR"}, push.Result{Verdict: push.RetryAfter, Reason: "THIRD_PARTY_AUTH_ERROR", After: platformWait}},
		{pushtest.Reply{Status: 429, Reason: "QUOTA_EXCEEDED"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfQuota, Reason: "QUOTA_EXCEEDED", After: quotaWait}},
		{pushtest.Reply{Status: 429, Reason: "QUOTA_EXCEEDED", RetryAfter: 5 * time.Minute}, push.Result{Verdict: push.RetryAfter, Cause: push.OfQuota, Reason: "QUOTA_EXCEEDED", After: 5 * time.Minute}},
		{pushtest.QuotaExceeded("project", "Message rate exceeded"), push.Result{Verdict: push.RetryAfter, Cause: push.OfQuota, Reason: "QUOTA_EXCEEDED", After: quotaWait}},
		{pushtest.QuotaExceeded("device", "Device message rate exceeded"), push.Result{Verdict: push.RetryAfter, Reason: "QUOTA_EXCEEDED", After: quotaWait}},
		{pushtest.Reply{Status: 503, Reason: "UNAVAILABLE", RetryAfter: 42 * time.Second}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "UNAVAILABLE", After: 42 * time.Second}},
		{pushtest.Reply{Status: 503, Reason: "UNAVAILABLE"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "UNAVAILABLE", After: troubleWait}},
		{pushtest.Reply{Status: 500, Reason: "INTERNAL"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "INTERNAL", After: troubleWait}},
		{pushtest.Reply{Status: 302, Raw: "elsewhere", ContentType: "text/plain"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "http 302", After: troubleWait}},
		{pushtest.Reply{Status: 500, Raw: `{"error":`, ContentType: "application/json"}, push.Result{Verdict: push.RetryAfter, Cause: push.OfService, Reason: "http 500", After: troubleWait}},
	} {
		before := len(sim.Requests())
		sim.Answer(row.reply)
		begin := time.Now()
		if got := providertest.Send(t, c, message()); got != row.want {
			t.Errorf("%d %s: got %+v, want %+v", row.reply.Status, row.reply.Reason, got, row.want)
		}
		if n := len(sim.Requests()) - before; n != 1 {
			t.Errorf("%d %s: %d requests, want 1: the SDK must not retry", row.reply.Status, row.reply.Reason, n)
		}
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("%d %s: took %v: the SDK must not wait", row.reply.Status, row.reply.Reason, took)
		}
	}
}

func TestRevokedAccessTokenIsReplacedOnce(t *testing.T) {
	c, sim := start(t)
	for range 3 {
		if r := providertest.Send(t, c, message()); r.Verdict != push.Delivered {
			t.Fatalf("result %+v", r)
		}
	}
	if n := sim.AccessTokensIssued(); n != 1 {
		t.Fatalf("%d access tokens for three messages", n)
	}
	sim.RevokeAccessTokens()
	if r := providertest.Send(t, c, message()); r.Verdict != push.Delivered {
		t.Errorf("after the revocation: %+v", r)
	}
	if n := sim.AccessTokensIssued(); n != 2 {
		t.Errorf("%d access tokens, want 2", n)
	}
	// Google refuses the new one as well: no third request.
	before := len(sim.Requests())
	sim.Answer(pushtest.Reply{Status: 401}, pushtest.Reply{Status: 401})
	if r := providertest.Send(t, c, message()); r.Verdict != push.PauseApp {
		t.Errorf("refused for good: %+v", r)
	}
	if n := len(sim.Requests()) - before; n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// A message whose token is refused waits for another one as long as its context
// allows, not as long as somebody asks.
func TestRevokedAccessTokenWhileSomebodyAsks(t *testing.T) {
	c, sim := start(t)
	providertest.Send(t, c, message())
	sim.RevokeAccessTokens()
	<-c.access.turn // somebody asks for another one
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan push.Result, 1)
	go func() { result <- c.Send(ctx, message()) }()
	providertest.Until(t, func() bool { return c.access.token.Load() == nil })
	cancel()
	if r := <-result; r.Verdict != push.RetryAfter {
		t.Errorf("result %+v", r)
	}
	c.access.turn <- struct{}{}
}

func TestAccessTokenIsRenewedBeforeItExpires(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{AccessTokenTTL: renewEarly + time.Second})
	c, err := New(configFor(sim))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	providertest.Send(t, c, message())
	time.Sleep(1100 * time.Millisecond)
	if r := providertest.Send(t, c, message()); r.Verdict != push.Delivered {
		t.Errorf("result %+v", r)
	}
	if n := sim.AccessTokensIssued(); n != 2 {
		t.Errorf("%d access tokens, want 2", n)
	}
}

// A token endpoint that is away, or slow, when a token is about to expire stops
// nothing: the token is good until then.
func TestTokenEndpointAwayWhileATokenLasts(t *testing.T) {
	c, sim := start(t)
	send := func(what string, issued int) {
		if r := providertest.Send(t, c, message()); r.Verdict != push.Delivered {
			t.Errorf("%s: %+v", what, r)
		}
		if n := sim.AccessTokensIssued(); n != issued {
			t.Errorf("%s: %d access tokens issued, want %d", what, n, issued)
		}
		last := *c.access.token.Load()
		last.Expiry = time.Now().Add(renewEarly - time.Second)
		c.access.token.Store(&last)
	}
	send("the first", 1)
	sim.AnswerOAuth(pushtest.Reply{Status: 503, Reason: "temporarily_unavailable"})
	send("while it is away", 1)
	<-c.access.turn // somebody asks for another one
	send("while somebody else asks", 1)
	c.access.failedTo = time.Time{}
	c.access.turn <- struct{}{}
	send("once it is back", 2)
}

func TestTokenEndpointTrouble(t *testing.T) {
	c, sim := start(t)
	sim.AnswerOAuth(pushtest.Reply{Status: 400, Reason: "invalid_grant"})
	if r := providertest.Send(t, c, message()); r.Verdict != push.PauseApp || r.Reason != "service account refused" {
		t.Errorf("refused: %+v", r)
	}
	if n := len(sim.Requests()); n != 0 {
		t.Errorf("%d messages were sent without an access token", n)
	}
	time.Sleep(fetchPause + 100*time.Millisecond)
	sim.AnswerOAuth(pushtest.Reply{Status: 503, Reason: "temporarily_unavailable"})
	if r := providertest.Send(t, c, message()); r.Verdict != push.RetryAfter || r.Reason != "no access token" {
		t.Errorf("unavailable: %+v", r)
	}
	time.Sleep(fetchPause + 100*time.Millisecond)
	if r := providertest.Send(t, c, message()); r.Verdict != push.Delivered {
		t.Errorf("afterwards: %+v", r)
	}
}

func TestBlackHoleEndsWithTheContext(t *testing.T) {
	c, sim := start(t)
	sim.BlackHole(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begin := time.Now()
	if r := c.Send(ctx, message()); r.Verdict != push.RetryAfter || r.Reason != "timeout" {
		t.Errorf("result %+v", r)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	sim.BlackHole(false)
	if r := providertest.Send(t, c, message()); r.Verdict != push.Delivered {
		t.Errorf("repeat: %+v", r)
	}
}

func TestNoServer(t *testing.T) {
	c, sim := start(t)
	providertest.Send(t, c, message())
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	if r := providertest.Send(t, c, message()); r.Verdict != push.RetryAfter || r.Reason != "no connection" {
		t.Errorf("result %+v", r)
	}
}
