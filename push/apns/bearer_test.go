package apns

import (
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func testBearer(t *testing.T, p8 []byte) *bearer {
	t.Helper()
	b, err := newBearer("TEAMSIM001", "KEYSIM0001", p8)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustGet(t *testing.T, b *bearer, now time.Time) string {
	t.Helper()
	text, err := b.get(now)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestProviderTokensAreTheSameEverywhere(t *testing.T) {
	p8 := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{}).Key()
	one, two := testBearer(t, p8), testBearer(t, p8)
	begin := time.Unix(0, 0).Add(12345 * slot).Add(slotLag)
	first := mustGet(t, one, begin)
	for _, at := range []time.Duration{0, time.Second, 20 * time.Minute, slot - time.Second} {
		if mustGet(t, two, begin.Add(at)) != first {
			t.Errorf("another replica, %v later, presents another token", at)
		}
	}
	if mustGet(t, one, begin.Add(slot)) == first {
		t.Error("the token did not change with the slot")
	}
	for _, at := range []time.Duration{0, slot / 2, slot - time.Second} {
		if age := begin.Add(at).Unix() - issuedAt(one, t, begin.Add(at)); age < 30 || age > 3000 { // a clock may be fast
			t.Errorf("token is %d s old", age)
		}
	}
}

func issuedAt(b *bearer, t *testing.T, now time.Time) int64 {
	mustGet(t, b, now)
	return b.issued
}

func TestForcedRefreshIsRare(t *testing.T) {
	b := testBearer(t, providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{}).Key())
	now := time.Unix(0, 0).Add(12345 * slot).Add(30 * time.Minute)
	first := mustGet(t, b, now)
	if !b.refresh(first, now) {
		t.Fatal("first refresh refused")
	}
	second := mustGet(t, b, now)
	if second == first || b.issued != now.Unix() {
		t.Fatal("not refreshed")
	}
	if !b.refresh(first, now) {
		t.Error("a request that still used the first token must be told to try again")
	}
	if b.refresh(second, now.Add(minRefresh-time.Second)) {
		t.Error("refreshed twice within 20 minutes")
	}
	for at := time.Duration(0); at < 3*slot; at += time.Minute {
		if age := now.Add(at).Unix() - issuedAt(b, t, now.Add(at)); age < 0 || age >= 3600 {
			t.Fatalf("%v after the refresh the token is %d s old", at, age)
		}
	}
}

func TestKeyIsChecked(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	pool := NewPool(quiet())
	defer pool.Close()
	other := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	for name, change := range map[string]func(*Config){
		"no key":      func(c *Config) { c.Key = nil },
		"not a key":   func(c *Config) { c.Key = []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n") },
		"no team":     func(c *Config) { c.TeamID = "" },
		"key id":      func(c *Config) { c.KeyID = "a/b" },
		"environment": func(c *Config) { c.Endpoint, c.Environment = "", "test" },
		"plain http":  func(c *Config) { c.Endpoint = "http://127.0.0.1:1" },
		"with a path": func(c *Config) { c.Endpoint = "https://127.0.0.1:1/3" },
	} {
		cfg := configFor(sim)
		change(&cfg)
		if _, err := pool.App(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
	if _, err := pool.App(configFor(sim)); err != nil {
		t.Fatal(err)
	}
	cfg := configFor(sim)
	cfg.Key = other.Key()
	// A key that is replaced under its id is another one.
	if app, err := pool.App(cfg); err != nil || app.Check(t.Context()).Finding != push.CredentialRefused {
		t.Errorf("another key under the same id: %v", err)
	}
}

func TestExpiredProviderTokenIsRenewedOnce(t *testing.T) {
	app, sim := start(t)
	// The slot's token is a minute old at least; one of this second is in order.
	sim.ExpireProviderTokens(time.Now().Add(-time.Second))
	if r := providertest.Send(t, app, message(device)); r.Verdict != push.Delivered {
		t.Fatalf("result %+v", r)
	}
	if n := len(sim.ProviderTokens()); n != 2 {
		t.Errorf("%d provider tokens were used, want 2", n)
	}
	sim.ExpireProviderTokens(time.Now().Add(time.Hour))
	if r := providertest.Send(t, app, message(device)); r.Verdict != push.PauseApp || r.Reason != "ExpiredProviderToken" {
		t.Errorf("a clock that disagrees for good: %+v", r)
	}
	if n := len(sim.ProviderTokens()); n != 2 {
		t.Errorf("%d provider tokens were used, want 2", n)
	}
}

func TestWrongKeyPausesTheApp(t *testing.T) {
	sim, other := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{}), providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	cfg := configFor(sim)
	cfg.Key = other.Key()
	app, err := pool.App(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r := providertest.Send(t, app, message(device)); r.Verdict != push.PauseApp || r.Reason != "InvalidProviderToken" {
		t.Errorf("result %+v", r)
	}
}

// Apple saw too many tokens: the one that is in use stays for as long as it is
// good, beyond its slot.
func TestTokenIsKept(t *testing.T) {
	b := testBearer(t, providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{}).Key())
	begin := time.Unix(0, 0).Add(12345 * slot).Add(slotLag)
	first := mustGet(t, b, begin)
	b.keep("another", begin)
	if !b.kept.IsZero() {
		t.Error("a token that is not in use was kept")
	}
	b.keep(first, begin.Add(slot-time.Second))
	later := time.Unix(b.issued, 0).Add(longest - time.Second)
	if mustGet(t, b, later) != first || b.refresh(first, later) {
		t.Error("the token was replaced")
	}
	if mustGet(t, b, later.Add(2*time.Second)) == first {
		t.Error("the token became too old")
	}
}

// Apple counts on each connection how often the provider token changes: a token
// that is renewed early goes over new connections, on both lanes.
func TestRenewedTokenTakesNewConnections(t *testing.T) {
	app, sim := start(t)
	send := func(token string) {
		t.Helper()
		if r := providertest.Send(t, app, message(token)); r.Verdict != push.Delivered {
			t.Fatalf("result %+v", r)
		}
	}
	send(device) // a new token, on the side
	send(device)
	sim.ExpireProviderTokens(time.Now().Add(-time.Second))
	send(device)
	send("aa01")
	send(device)
	for _, r := range sim.Requests() {
		if r.Reason == "TooManyProviderTokenUpdates" {
			t.Errorf("connection %d: %s", r.Connection, r.Reason)
		}
	}
	if n := sim.Connections(); n != 4 {
		t.Errorf("%d connections, want 2 for each of the 2 provider tokens", n)
	}
}
