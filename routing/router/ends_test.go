package router

import (
	"context"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/users"
)

func (e *env) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	e.t.Cleanup(cancel)
	return ctx
}

// What a backend ends is ended on every edge, and nothing else is.
func TestDisconnectEverywhere(t *testing.T) {
	e := newEnv(t)
	e.readyRouter("r1", Hooks{})
	e.readyRouter("r2", Hooks{})
	one, two := e.edge("e1"), e.edge("e2")
	phone, tablet := one.connect("u1", "phone", false), two.connect("u1", "tablet", false)
	other := two.connect("u2", "phone", false)
	v := e.publish("u1", "messages")
	eventually(t, "both hear", func() bool { return one.heard(phone, "messages") == v && two.heard(tablet, "messages") == v })

	if from, err := users.New(e.js).Disconnect(e.ctx(), tenant, "u1", "phone", false); err != nil || from != 0 {
		t.Fatal(from, err)
	}
	eventually(t, "the phone's session ends", func() bool { return one.wasCut(phone) })
	if two.wasCut(tablet) {
		t.Error("the tablet's session ended with the phone's")
	}
	again := one.connect("u1", "phone", false)
	if from, err := users.New(e.js).Disconnect(e.ctx(), tenant, "u1", "", true); err != nil || from <= time.Now().Unix()-5 {
		t.Fatal(from, err)
	}
	eventually(t, "both sessions end", func() bool { return one.wasCut(again) && two.wasCut(tablet) })
	if two.wasCut(other) {
		t.Error("another user's session ended")
	}
}

// An edge that does not end a session is asked until it does, also by a
// router that started later, and after the death of the one that asked first.
func TestEndIsRepeated(t *testing.T) {
	e := newEnv(t)
	first := e.readyRouter("r1", Hooks{})
	hub := e.edge("e1")
	hub.keeps.Store(true)
	began := time.Now().UnixMilli()
	phone := hub.connectAt("u1", "phone", false, began)
	v := e.publish("u1", "messages")
	eventually(t, "it hears", func() bool { return hub.heard(phone, "messages") == v })
	if _, err := users.New(e.js).Disconnect(e.ctx(), tenant, "u1", "phone", false); err != nil {
		t.Fatal(err)
	}
	late := hub.connectAt("u1", "watch", false, began) // of another device: it stays
	eventually(t, "the edge is asked again and again", func() bool { return hub.asked.Load() >= 3 })
	e.readyRouter("r2", Hooks{})
	first.stop()
	asked := hub.asked.Load()
	eventually(t, "the other router asks too", func() bool { return hub.asked.Load() > asked+2 })
	hub.keeps.Store(false)
	eventually(t, "the session ends", func() bool { return hub.wasCut(phone) })
	if hub.wasCut(late) {
		t.Error("another device's session ended")
	}
}

// A device record that is stored beside the user's removal does not stay.
func TestNoRecordBesideARemoval(t *testing.T) {
	e := newEnv(t)
	e.readyRouter("r1", Hooks{})
	hub := e.edge("e1")
	if _, err := users.New(e.js).DeleteUser(e.ctx(), tenant, "u1"); err != nil {
		t.Fatal(err)
	}
	store, err := (&deviceServer{r: &Router{cfg: Config{JS: e.js}}}).open(e.ctx())
	if err != nil {
		t.Fatal(err)
	}
	// Without a verifier tokens count as issued now, and iat has whole seconds.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	hub.put("u1", "phone", "token")
	id := devices.ID{Tenant: tenant, User: "u1", Device: "phone"}
	if err := stillIts(e.ctx(), store, id, time.Now().Add(2*time.Second)); err != nil || !e.present("u1", "phone") {
		t.Errorf("a token that was issued after the removal: %v, record kept %v", err, e.present("u1", "phone"))
	}
	if err := stillIts(e.ctx(), store, id, time.Now().Add(-time.Minute)); err == nil || e.present("u1", "phone") {
		t.Errorf("a token that was issued before: %v, record kept %v", err, e.present("u1", "phone"))
	}
}
