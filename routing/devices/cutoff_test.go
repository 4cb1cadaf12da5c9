package devices_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

func (e *env) cut(id devices.ID, sessionsMs, tokensS int64) {
	e.t.Helper()
	if err := e.router.Cut(e.ctx, id, &linkpb.Cutoff{SessionsMs: sessionsMs, TokensS: tokensS}); err != nil {
		e.t.Fatal(err)
	}
}

func (e *env) wantCutoff(id devices.ID, sessionsMs, tokensS int64) {
	e.t.Helper()
	got, err := e.router.Cutoff(e.ctx, id)
	if want := (&linkpb.Cutoff{SessionsMs: sessionsMs, TokensS: tokensS}); err != nil || !proto.Equal(got, want) {
		e.t.Errorf("%v: %v, %v, want %v", id, got, err, want)
	}
}

// A cutoff never takes back what an earlier one ended, and a user's counts
// for every device.
func TestCutoffsOnlyGrow(t *testing.T) {
	e := start(t)
	user := devices.ID{Tenant: "acme", User: "u1"}
	e.wantCutoff(phone1, 0, 0)
	e.cut(phone1, 100, 7)
	e.cut(phone1, 200, 0)
	e.wantCutoff(phone1, 200, 7)
	e.cut(user, 150, 9)
	e.wantCutoff(phone1, 200, 9)
	e.wantCutoff(devices.ID{Tenant: "acme", User: "u1", Device: "d2"}, 150, 9)
	e.wantCutoff(phone2, 0, 0)
	e.wantCutoff(devices.ID{Tenant: "globex", User: "u1", Device: "d1"}, 0, 0)
}

// Cutoffs end by themselves, those of tokens later than those of sessions.
func TestCutoffsEnd(t *testing.T) {
	e := start(t)
	e.cut(phone1, 100, 0)
	e.cut(phone2, 100, 7)
	for id, want := range map[devices.ID]string{phone1: "1h0m0s", phone2: devices.KeepTokens.String()} {
		entry, err := e.kv.Get(e.ctx, routing.CutoffKey(id.Tenant, id.User, id.Device))
		if err != nil {
			t.Fatal(err)
		}
		s, err := e.js.Stream(e.ctx, routing.StreamDevices)
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.GetMsg(e.ctx, entry.Revision())
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Header.Get("Nats-TTL"); got != want {
			t.Errorf("%v is kept for %q, want %q", id, got, want)
		}
	}
}

func TestRemoveUser(t *testing.T) {
	e := start(t)
	second := devices.ID{Tenant: "acme", User: "u1", Device: "d2"}
	e.put(phone1, record("token-1", began), devices.Stored)
	e.put(second, record("token-2", began), devices.Stored)
	e.put(phone2, record("token-3", began), devices.Stored)
	if err := e.router.RemoveUser(e.ctx, "acme", "u1"); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[devices.ID]bool{phone1: false, second: false, phone2: true} {
		if r, err := e.router.Record(e.ctx, id.Tenant, id.User, id.Device); err != nil || r.Found != want {
			t.Errorf("%v: found is %v, %v", id, r.Found, err)
		}
	}
	// Its tokens are free for others, and late registrations are refused.
	e.put(phone2, record("token-1", time.Now().Add(time.Second)), devices.Stored)
	e.put(phone1, record("token-1", began), devices.Stale)
	if err := e.router.RemoveUser(e.ctx, "acme", "nobody"); err != nil {
		t.Errorf("a user without devices: %v", err)
	}
}

func TestCutoffRefuses(t *testing.T) {
	e := start(t)
	for _, id := range []devices.ID{{}, {Tenant: "acme"}, {Tenant: "acme", User: "a.b"}, {Tenant: "acme", User: "u", Device: "*"}} {
		if err := e.router.Cut(e.ctx, id, &linkpb.Cutoff{SessionsMs: 1}); err == nil {
			t.Errorf("%v was cut", id)
		}
	}
	if err := e.router.RemoveUser(e.ctx, "acme", ">"); err == nil {
		t.Error("everybody was removed")
	}
}
