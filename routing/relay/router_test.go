package relay_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/relay"
)

// twoRouters are two that answer syncs, the first one over a line that can be
// cut, and a relay that is told to ask either.
func twoRouters(t *testing.T) (*natstest.Line, *relay.Relay) {
	t.Helper()
	s := natstest.Run(t, routing.User{Role: routing.RoleEdge, Label: "hk1"},
		routing.User{Role: routing.RoleRouter, Label: "r1"}, routing.User{Role: routing.RoleRouter, Label: "r2"})
	line := natstest.NewLine(t, strings.TrimPrefix(s.URL(), "nats://"))
	frozen, err := nats.Connect(line.URL(), nats.UserInfo(routing.UserName(routing.RoleRouter, "r1"), natstest.Password))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(frozen.Close)
	answers(t, frozen, "r1")
	answers(t, s.Conn(routing.RoleRouter, "r2"), "r2")
	var turn atomic.Int64
	r, err := relay.New(relay.Config{
		Edge: "hk1", Conn: s.Conn(routing.RoleEdge, "hk1"), Catalog: catalog(t),
		Router: func(besides string) string {
			if besides != "" {
				return map[string]string{"r1": "r2", "r2": "r1"}[besides]
			}
			return fmt.Sprint("r", 1+turn.Add(1)%2)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return line, r
}

func answers(t *testing.T, nc *nats.Conn, router string) {
	t.Helper()
	subject := routing.SyncSubject("acme", "messages")
	answer := func(m *nats.Msg) { _ = m.Respond([]byte(router)) } // a line that is cut takes nothing
	_, err := nc.QueueSubscribe(subject, routing.QueueSync, answer)
	if err == nil {
		_, err = nc.Subscribe(routing.AtRouter(router, subject), answer)
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A router that is stopped keeps its connections, and NATS goes on handing it
// what its queue group is asked. Every device's sync is answered all the same,
// by the other one.
func TestSyncsGoOnBesideAStoppedRouter(t *testing.T) {
	line, r := twoRouters(t)
	line.Cut()
	const devices = 200
	took := make([]time.Duration, devices)
	var all sync.WaitGroup
	for i := range devices {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			began := time.Now()
			body, err := r.Call(ctx, relay.Call{Tenant: "acme", User: fmt.Sprint("u", i), Device: "d1", Token: "jwt", Service: "sync", Method: "messages"})
			if took[i] = time.Since(began); err != nil || string(body) != "r2" {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
	all.Wait()
	var longest time.Duration
	for _, d := range took {
		longest = max(longest, d)
	}
	t.Logf("the longest of %d syncs took %v", devices, longest)
}

// A router that is heard, but has left or does not know the kind, is not the
// only one: the group is asked at once.
func TestSyncAsksTheGroup(t *testing.T) {
	for _, gone := range []bool{true, false} {
		s, r := newRelay(t, func(c *relay.Config) { c.Router = func(string) string { return "r9" } })
		nc := s.Conn(routing.RoleRouter, "r1")
		answers(t, nc, "r1")
		if !gone {
			tell404(t, s)
		}
		// A second question to the router would come after 0.7 s. Of some calls
		// one is faster on any machine.
		quick := false
		for range 5 {
			began := time.Now()
			body, err := r.Call(t.Context(), relay.Call{Tenant: "acme", User: "u1", Device: "d1", Token: "jwt", Service: "sync", Method: "messages"})
			if err != nil || string(body) != "r1" {
				t.Errorf("gone %v: %q, %v", gone, body, err)
			}
			quick = quick || time.Since(began) < 500*time.Millisecond
		}
		if !quick {
			t.Errorf("gone %v: the group is asked late", gone)
		}
	}
}

func tell404(t *testing.T, s *natstest.Server) {
	t.Helper()
	nc := s.Conn(routing.RoleRouter, "r9")
	_, err := nc.Subscribe(routing.AtRouter("r9", routing.SyncAll), func(m *nats.Msg) {
		_ = m.RespondMsg(&nats.Msg{Header: nats.Header{routing.HeaderServiceErrorCode: {"404"}, routing.HeaderServiceError: {"no such kind"}}})
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
}
