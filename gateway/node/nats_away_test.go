package node_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// A node that starts before NATS waits for it, and holds devices meanwhile.
// When NATS goes and comes back, devices stay connected and hear what is
// published afterwards; what is published meanwhile is refused with advice.
func TestNATSAway(t *testing.T) {
	t.Parallel()
	f, startNATS := fleetBeforeNATS(t)
	f.start(whole)
	early := f.connect("ida", "phone", phoneOptions{})
	if status, body := f.get(whole, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("without NATS the node says %d: %s", status, body)
	}
	if status, _ := f.get(whole, "/healthz"); status != http.StatusOK {
		t.Errorf("without NATS the node is not alive: %d", status)
	}

	nats := startNATS()
	f.waitReady(whole)
	before := early.hears("NATS is there")

	var late *phone
	nats.Restart(func() {
		eventually(t, "the edge notices", func() error {
			if f.metric(whole, "hawser_edgelink_degraded") != 1 {
				return errNotYet
			}
			return nil
		})
		f.counts(whole, `hawser_publish_events_total{result="unavailable"}`, 1, func() {
			wantUnavailable(t, f)
		})
		// Admitted by its token alone; its record waits.
		late = f.connect("ida", "tablet", phoneOptions{pushToken: devmode.DeviceToken("ida", "tablet")})
	})
	f.waitReady(whole)
	var after int64
	eventually(t, "the repeated event is taken", func() error {
		a := f.tryPublish(tenantA, object{"user": "ida", "kind": "messages", "id": "meanwhile"})
		if after = a.Version; a.status != http.StatusOK {
			return errNotYet
		}
		return nil
	})
	early.waitHeard("messages", after)
	late.waitHeard("messages", after)
	f.waitRecords(1)
	for _, p := range []*phone{early, late} {
		if n := p.connections(); n != 1 {
			t.Errorf("the %s was connected %d times, want once", p.name, n)
		}
	}
	if got := early.heard("messages"); len(got) != 2 || got[0] != before || got[1] != after {
		t.Errorf("the phone heard %d, want %d and %d", got, before, after)
	}
}

// wantUnavailable publishes as a backend that gives a call two seconds.
func wantUnavailable(t *testing.T, f *fleet) {
	t.Helper()
	key, err := f.env.APIKey(tenantA)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a := f.post([]byte(`{"user":"ida","kind":"messages","id":"meanwhile"}`), http.Header{
		"Authorization": {"Bearer " + key}, "Connect-Timeout-Ms": {"2000"},
	})
	if a.status != http.StatusServiceUnavailable || a.Code != "unavailable" || a.retryAfter == "" {
		t.Errorf("publishing without NATS gives %+v, want 503 with Retry-After", a)
	}
	wantText(t, a.Message, "repeat with the same id")
	if took := time.Since(began); took > patience/2 {
		t.Errorf("the refusal took %v", took)
	}
}

// fleetBeforeNATS makes a fleet whose NATS server the test starts.
func fleetBeforeNATS(t *testing.T, more ...routing.User) (*fleet, func() *natstest.Server) {
	t.Helper()
	addrs, release, err := embednats.FreeAddrs(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = release.Close() })
	port := netip.MustParseAddrPort(addrs[0]).Port()
	f := newFleet(t, options{natsURL: "nats://" + addrs[0]})
	return f, func() *natstest.Server {
		return natstest.RunOptions(t, embednats.Options{Port: int(port), Users: append(f.env.Users(), more...)})
	}
}

// A log-out is not confirmed while the record cannot be removed.
func TestLogoutWithoutNATS(t *testing.T) {
	t.Parallel()
	f, startNATS := fleetBeforeNATS(t)
	nats := startNATS()
	f.start(whole)
	f.waitReady(whole)
	r, _ := f.greeted(whole, "rosa", "phone", func(h *wirepb.Hello) {
		h.PushToken = devmode.DeviceToken("rosa", "phone")
	})
	f.waitRecords(1)
	nats.Restart(func() {
		r.send(&wire.Bye{Logout: true})
		wantText(t, r.wantClose(wire.CloseInternal), "say Bye again")
	})
	f.waitReady(whole)
	if !f.hasRecord(tenantA, "rosa", "phone") {
		t.Error("the record went while nobody could know of it")
	}
	r, _ = f.greeted(whole, "rosa", "phone", nil)
	r.send(&wire.Bye{Logout: true})
	r.wantClose(wire.CloseLoggedOut)
	if f.hasRecord(tenantA, "rosa", "phone") {
		t.Error("the edge answered before the record was gone")
	}
}
