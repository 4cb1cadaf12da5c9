package relay_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/relay"
)

// failures that open a breaker, as package breaker has it.
const failures = 5

// impatient makes a service fail after half a second without an answer; hung
// is how long a call of a test waits that is to find that out.
func impatient(c *relay.Config) { c.DefaultTimeout = time.Second }

const hung = 550 * time.Millisecond

// callFor makes a call that waits for so long.
func callFor(t *testing.T, r *relay.Relay, c relay.Call, wait time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	_, err := r.Call(ctx, c)
	return err
}

// untilLeftAlone makes calls to a service that hangs until one is refused, and
// returns how many were waited for, and the refusal. A call whose time went by on
// a machine without a free processor, before it was sent, says nothing of the
// service: there may be more of them than failures.
func untilLeftAlone(t *testing.T, r *relay.Relay, c relay.Call) (waited int, refusal error) {
	t.Helper()
	for ; waited < 10*failures; waited++ {
		err := callFor(t, r, c, hung)
		switch status(err) {
		case wire.StatusUnavailable:
			return waited, err
		case wire.StatusDeadline:
		default:
			t.Fatalf("hung: %v", err)
		}
	}
	t.Fatalf("waited for %d times", waited)
	return 0, nil
}

// A service that hangs is waited for a few times; then devices are told at
// once, until it answers again. Its tenant's other services and other tenants
// notice nothing.
func TestHungServiceIsLeftAlone(t *testing.T) {
	s, r := newRelay(t, impatient)
	var healthy atomic.Bool
	service(t, s.Conn(routing.RoleBackend, "acme"), "acme", map[string]micro.HandlerFunc{
		"list": func(req micro.Request) {
			if healthy.Load() {
				_ = req.Respond(nil)
			}
		},
	})
	service(t, s.Conn(routing.RoleBackend, "globex"), "globex", map[string]micro.HandlerFunc{
		"list": func(req micro.Request) { _ = req.Respond(nil) },
	})
	waited, err := untilLeftAlone(t, r, call("list", ""))
	if waited < failures || !strings.Contains(err.Error(), "orders does not answer: ask again in") {
		t.Errorf("left alone after %d calls: %v", waited, err)
	}
	other := call("list", "")
	other.Tenant = "globex"
	if err := callFor(t, r, other, time.Minute); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	other = call("list", "")
	other.Service = "reports"
	if err := callFor(t, r, other, time.Minute); !strings.Contains(err.Error(), "no service answers") {
		t.Errorf("another service: %v", err)
	}
	healthy.Store(true)
	for start := time.Now(); ; {
		if err = callFor(t, r, call("list", ""), time.Minute); err == nil {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("never let through again: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// What a device does wrong does not close the service to others: no time to
// answer in, methods that do not exist, requests that fail.
func TestADeviceCannotCloseAService(t *testing.T) {
	s, r := newRelay(t, impatient)
	service(t, s.Conn(routing.RoleBackend, "acme"), "acme", map[string]micro.HandlerFunc{
		"list": func(req micro.Request) { _ = req.Respond(nil) },
		"slow": func(req micro.Request) { go func() { time.Sleep(time.Second); _ = req.Respond(nil) }() },
		"fail": func(req micro.Request) { _ = req.Error("500", "poisoned", nil) },
	})
	for range 2 * failures {
		if err := callFor(t, r, call("slow", ""), 5*time.Millisecond); status(err) != wire.StatusDeadline {
			t.Fatalf("slow: %v", err)
		}
	}
	for range 2 * failures {
		if err := callFor(t, r, call("missing", ""), time.Minute); status(err) != wire.StatusUnavailable {
			t.Fatalf("missing: %v", err)
		}
	}
	for range 2 * failures {
		if err := callFor(t, r, call("fail", ""), time.Minute); status(err) != wire.StatusInternal {
			t.Fatalf("fail: %v", err)
		}
	}
	if err := callFor(t, r, call("list", ""), time.Minute); err != nil {
		t.Errorf("the others: %v", err)
	}
}

// A service that was there and is gone, or says that it is not available, is
// left alone too.
func TestGoneServiceIsLeftAlone(t *testing.T) {
	for name, gone := range map[string]func(*testing.T, micro.Service){
		"stopped":     func(t *testing.T, svc micro.Service) { _ = svc.Stop() },
		"unavailable": func(*testing.T, micro.Service) {},
	} {
		t.Run(name, func(t *testing.T) {
			s, r := newRelay(t, nil)
			nc := s.Conn(routing.RoleBackend, "acme")
			svc, err := micro.AddService(nc, micro.Config{Name: "orders", Version: "1.0.0"})
			if err != nil {
				t.Fatal(err)
			}
			answers := 0
			handler := micro.HandlerFunc(func(req micro.Request) {
				if answers++; answers > 1 {
					_ = req.Error("503", "the database is away", nil)
					return
				}
				_ = req.Respond(nil)
			})
			if err := svc.AddEndpoint("list", handler, micro.WithEndpointSubject("hawser.v1.up.acme.orders.list")); err != nil {
				t.Fatal(err)
			}
			_ = nc.Flush()
			if _, err := r.Call(t.Context(), call("list", "")); err != nil {
				t.Fatal(err)
			}
			gone(t, svc)
			_ = nc.Flush()
			for range failures {
				if _, err := r.Call(t.Context(), call("list", "")); strings.Contains(err.Error(), "ask again in") {
					t.Fatalf("too early: %v", err)
				}
			}
			if _, err := r.Call(t.Context(), call("list", "")); status(err) != wire.StatusUnavailable || !strings.Contains(err.Error(), "ask again in") {
				t.Errorf("%v", err)
			}
		})
	}
}

// The sync that hawser answers itself is what repairs everything else: it is
// asked whatever happened before.
func TestOwnSyncIsNeverLeftAlone(t *testing.T) {
	s, r := newRelay(t, impatient)
	nc := s.Conn(routing.RoleRouter, "r1")
	var healthy atomic.Bool
	if _, err := nc.Subscribe(routing.SyncSubject("acme", "messages"), func(m *nats.Msg) {
		if healthy.Load() {
			_ = m.Respond(nil)
		}
	}); err != nil {
		t.Fatal(err)
	}
	_ = nc.Flush()
	sync := call("messages", "")
	sync.Service = routing.ServiceSync
	for range failures + 2 {
		if err := callFor(t, r, sync, hung); status(err) != wire.StatusDeadline {
			t.Fatalf("hung: %v", err)
		}
	}
	healthy.Store(true)
	if err := callFor(t, r, sync, time.Minute); err != nil {
		t.Error(err)
	}
}
