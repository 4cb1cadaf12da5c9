package router

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// state is what a router says of a device; unspecified for an unknown one.
func state(t *testing.T, r *running, user, device string) (hawserv1.PresenceState, int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	a, err := r.Presence(ctx, tenant, []string{user})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range a.GetUsers()[0].GetDevices() {
		if d.GetDevice() == device {
			return d.GetState(), d.GetEpoch()
		}
	}
	return 0, 0
}

func TestPresence(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	hub := e.edge("e1")
	phone := hub.connectAt("u1", "phone", false, 5000)
	hub.put("u1", "tablet", "token", r)
	eventually(t, "the phone is online", func() bool {
		s, epoch := state(t, r, "u1", "phone")
		return s == hawserv1.PresenceState_ONLINE && epoch == 5000
	})
	if s, epoch := state(t, r, "u1", "tablet"); s != hawserv1.PresenceState_AWAY || epoch != 0 {
		t.Errorf("the tablet is %v with epoch %d", s, epoch)
	}
	silent := hub.connect("u2", "phone", true)
	// What it is told of because it came just after the event is no event that
	// waits for it.
	eventually(t, "it is online", func() bool { s, _ := state(t, r, "u2", "phone"); return s == hawserv1.PresenceState_ONLINE })
	v := e.publish("u2", "messages")
	eventually(t, "it is told", func() bool { return hub.heard(silent, "messages") == v })
	eventually(t, "a silent phone is doubtful", func() bool { s, _ := state(t, r, "u2", "phone"); return s == hawserv1.PresenceState_DOUBTFUL })
	hub.disconnect(phone)
	eventually(t, "the phone has gone", func() bool { s, _ := state(t, r, "u1", "phone"); return s == 0 })
	a, err := r.Presence(e.ctx(), "other", []string{"u2", "nobody"})
	if err != nil || len(a.GetUsers()) != 2 || len(a.GetUsers()[0].GetDevices()) != 0 || !a.GetComplete() || a.GetRouter() != "r1" {
		t.Errorf("another tenant is answered %v, %v", a, err)
	}
}

// A router that does not know yet asks one that does, and without any the
// question fails.
func TestPresenceOfAnotherRouter(t *testing.T) {
	e := newEnv(t)
	r1 := e.readyRouter("r1", Hooks{})
	hub := e.edge("e1")
	hub.connect("u1", "phone", false)
	eventually(t, "the phone is online", func() bool { s, _ := state(t, r1, "u1", "phone"); return s == hawserv1.PresenceState_ONLINE })
	conn := e.srv.Conn(routing.RoleRouter, "r2")
	r2, err := New(Config{Name: "r2", Conn: conn, JS: e.js, Catalog: e.cat, Log: discard()}) // it does not run: never complete
	if err != nil {
		t.Fatal(err)
	}
	a, err := r2.Presence(e.ctx(), tenant, []string{"u1"})
	if err != nil || a.GetRouter() != "r1" || a.GetUsers()[0].GetDevices()[0].GetState() != hawserv1.PresenceState_ONLINE {
		t.Errorf("answered %v, %v", a, err)
	}
	r1.stop()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := r2.Presence(ctx, tenant, []string{"u1"}); err == nil {
		t.Error("without a complete router the question was answered")
	}
}

func TestPresenceIsBounded(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	hub := e.edge("e1")
	const devices = 101
	for i := range devices {
		hub.connect("u1", fmt.Sprint("d", i), false)
	}
	eventually(t, "all are known", func() bool { return r.metrics.totals.Load().sessions == devices })
	same := make([]string, 100)
	for i := range same {
		same[i] = "u1"
	}
	if _, err := r.Presence(e.ctx(), tenant, same); !errors.Is(err, routing.ErrTooManyDevices) {
		t.Errorf("%d devices: %v", devices*len(same), err)
	}
	if _, err := r.Presence(e.ctx(), tenant, same[:99]); err != nil {
		t.Error(err)
	}
}

// A reply that is not the asker's own is not answered.
func TestPresenceRepliesToTheAskerAlone(t *testing.T) {
	e := newEnv(t)
	e.readyRouter("r1", Hooks{})
	conn := e.srv.Conn(routing.RoleRouter, "r2")
	body, err := proto.Marshal(&linkpb.PresenceQuery{Tenant: tenant, Users: []string{"u1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Request(routing.PresenceSubject("r2"), body, 300*time.Millisecond); !errors.Is(err, nats.ErrTimeout) {
		t.Errorf("an inbox was answered: %v", err)
	}
}
