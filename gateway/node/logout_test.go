package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// quiet is how long a test looks for a push that must not come: longer than
// the push role gathers.
const quiet = 1500 * time.Millisecond

// A device that has logged out is never pushed again.
func TestLogout(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	token := devmode.DeviceToken("jana", "phone")
	p := f.connect("jana", "phone", phoneOptions{pushToken: token})
	f.waitRecords(1)
	if !f.hasRecord(tenantA, "jana", "phone") {
		t.Error("the device has no record")
	}
	p.hears("while logged in")

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f.counts(whole, `hawser_session_closed_total{reason="logged_out"}`, 1, func() {
		if err := p.client.Logout(ctx); err != nil {
			t.Fatal(err)
		}
	})
	if err := p.run(); err != nil {
		t.Errorf("Run of a client that logged out returned %v", err)
	}
	// The record went before the answer: there is nothing to wait for.
	if f.hasRecord(tenantA, "jana", "phone") {
		t.Error("the edge answered before the record was gone")
	}
	before := len(f.pushes(token)) // of a phone that was slow to acknowledge
	f.publish(tenantA, event("jana", "messages", "after the log-out"))
	f.counts(whole, `hawser_router_settled_total{reason="nobody"}`, 0, func() {
		f.publish(tenantA, event("jana", "messages", "and another one"))
	})
	time.Sleep(quiet)
	if n := len(f.pushes(token)) - before; n != 0 {
		t.Errorf("%d pushes reached a phone that had logged out", n)
	}
	f.waitRecords(0)
}

// Somebody else logs in on the same phone, without the former user having
// logged out: the phone's push token is the new user's alone.
func TestAccountSwitch(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	token := devmode.DeviceToken("one", "phone")
	former := f.connect("kurt", "phone", phoneOptions{pushToken: token})
	f.waitRecords(1)
	former.close()
	f.publish(tenantA, event("kurt", "messages", "to Kurt"))
	f.waitPushed(token, 1)

	var heir *phone
	f.counts(whole, `hawser_session_device_records_total{operation="put",result="ok"}`, 1, func() {
		heir = f.connect("lena", "phone", phoneOptions{pushToken: token})
	})
	// The router hears of records in their order: once it has that of Lena's
	// tablet beside the phone's, it knows of the switch.
	f.connect("lena", "tablet", phoneOptions{pushToken: devmode.DeviceToken("lena", "tablet")})
	f.waitRecords(2)
	heir.close()

	f.publish(tenantA, event("kurt", "messages", "to Kurt, who left"))
	f.publish(tenantA, event("lena", "messages", "to Lena"))
	f.waitPushed(token, 2)
	time.Sleep(quiet)
	pushes := f.pushes(token)
	if len(pushes) != 2 {
		t.Fatalf("the phone was pushed %d times, want Kurt's first and Lena's", len(pushes))
	}
	wantText(t, string(pushes[0].Hawser), `"kurt"`)
	wantText(t, string(pushes[1].Hawser), `"lena"`)
}

// A push token that the provider rejects for good leaves the record, and the
// backend is told.
func TestRejectedPushToken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		platform wirepb.Platform
		app      string
		reject   func(e *devmode.Environment, token string)
	}{
		{"APNs", wirepb.Platform_PLATFORM_IOS, devmode.IOSApp, func(e *devmode.Environment, token string) {
			e.APNs.AnswerToken(token, pushtest.Reply{Status: 410, Reason: "Unregistered", Timestamp: time.Now().Add(time.Hour)})
		}},
		{"FCM", wirepb.Platform_PLATFORM_ANDROID, devmode.AndroidApp, func(e *devmode.Environment, token string) {
			e.FCM.AnswerToken(token, pushtest.Reply{Status: 404, Reason: "UNREGISTERED"})
		}},
	}
	f := startFleet(t, options{})
	backend, _ := f.backend(tenantA)
	events, err := backend.events()
	if err != nil {
		t.Fatal(err)
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			// Pushes to the user's friend arrive: it is the token that is bad.
			friend, _ := f.greeted(whole, "nora", test.name, func(h *wirepb.Hello) {
				h.Platform, h.App, h.PushToken = test.platform, test.app, devmode.DeviceToken("nora", test.name)
			})
			friend.send(&wire.Bye{})
			friend.wantClose(wire.CloseBye)
			token := devmode.DeviceToken("mona", test.name)
			r, _ := f.greeted(whole, "mona", test.name, func(h *wirepb.Hello) {
				h.Platform, h.App, h.PushToken = test.platform, test.app, token
			})
			f.waitRecords(float64(i) + 2)
			r.send(&wire.Bye{})
			r.wantClose(wire.CloseBye)
			test.reject(f.env, token)

			f.publish(tenantA, event("mona", "messages", "to nobody"))
			e := awaitEvent(t, events, "hawser.v1.token.rejected", func() {
				f.publish(tenantA, event("nora", "messages", "to a friend"))
			})
			if e.Data.User != "mona" || e.Data.Device != test.name || e.Data.App != test.app || e.Data.Reason == "" {
				t.Errorf("the backend hears %+v", e)
			}
			f.waitRecords(float64(i) + 1)
			f.publish(tenantA, event("mona", "messages", "to nobody at all"))
		})
	}
}

// awaitEvent waits for an event of a kind, and does something all the time.
func awaitEvent(t *testing.T, events <-chan natsEvent, kind string, meanwhile func()) natsEvent {
	t.Helper()
	over := time.After(patience)
	ticks := time.NewTicker(500 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			meanwhile()
		case e := <-events:
			if e.Type == kind {
				return e
			}
		case <-over:
			t.Fatalf("the backend heard of no %s", kind)
		}
	}
}
