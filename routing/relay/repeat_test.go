package relay_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/relay"
)

// hang is a responder that dies with the first question in its hands and
// answers those that follow.
func hang(t *testing.T, nc *nats.Conn, subject string) *atomic.Int32 {
	t.Helper()
	var asked atomic.Int32
	_, err := nc.QueueSubscribe(subject, routing.QueueSync, func(m *nats.Msg) {
		if asked.Add(1) == 1 {
			return
		}
		if err := m.Respond([]byte("answer")); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return &asked
}

func TestSyncIsAskedAgain(t *testing.T) {
	s, r := newRelay(t, nil)
	asked := hang(t, s.Conn(routing.RoleRouter, "r1"), routing.SyncSubject("acme", "messages"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	body, err := r.Call(ctx, relay.Call{Tenant: "acme", User: "u1", Device: "d1", Token: "jwt", Service: "sync", Method: "messages"})
	if err != nil || string(body) != "answer" || asked.Load() < 2 {
		t.Errorf("%q, %v after %d questions: want the answer to another one", body, err, asked.Load())
	}
}

// What the catalogue calls idempotent is asked again like a sync.
func TestIdempotentCallIsAskedAgain(t *testing.T) {
	s, r := newRelay(t, nil)
	asked := hang(t, s.Conn(routing.RoleBackend, "acme"), routing.UpstreamSubject("acme", "orders", "get"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if body, err := r.Call(ctx, call("get", "")); err != nil || string(body) != "answer" || asked.Load() < 2 {
		t.Errorf("%q, %v after %d questions: want the answer to another one", body, err, asked.Load())
	}
}

// A call that may have effects is never repeated by hawser: whoever made it
// decides.
func TestOtherCallsAreAskedOnce(t *testing.T) {
	s, r := newRelay(t, nil)
	asked := hang(t, s.Conn(routing.RoleBackend, "acme"), routing.UpstreamSubject("acme", "orders", "pay"))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := r.Call(ctx, call("pay", "")); status(err) != wire.StatusDeadline || asked.Load() != 1 {
		t.Errorf("%v after %d questions: want a deadline after one", err, asked.Load())
	}
}

// Routers that are too slow for all are not asked everything twice and more.
func TestSlowRoutersAreSpared(t *testing.T) {
	s, r := newRelay(t, nil)
	nc := s.Conn(routing.RoleRouter, "r1")
	var asked atomic.Int32
	if _, err := nc.QueueSubscribe(routing.SyncSubject("acme", "messages"), routing.QueueSync, func(*nats.Msg) { asked.Add(1) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	const calls = 1000
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			_, err := r.Call(ctx, relay.Call{Tenant: "acme", User: "u1", Device: "d1", Token: "jwt", Service: "sync", Method: "messages"})
			if status(err) != wire.StatusDeadline {
				t.Errorf("%v: want a deadline", err)
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n > calls+100 {
		t.Errorf("%d calls were asked %d times, want %d at most", calls, n, calls+100)
	}
}
