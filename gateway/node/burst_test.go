package node_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
)

// A burst of events is one push to a device that is away, or two where one was
// on its way before the last event was stored.
func TestBurstIsOnePush(t *testing.T) {
	t.Parallel()
	const events = 1000
	f := startFleet(t, options{})
	ios, android := f.bothAway("burt")
	// Once they are pushed they are away indeed: before that routers wait for who
	// has just gone.
	f.publish(tenantA, object{"user": "burt", "kind": "messages", "urgency": "NORMAL"})
	f.waitPushed(ios, 1)
	f.waitPushed(android, 1)
	js := f.jetStream()
	began := time.Now()
	for i := range events {
		e := routing.Event{Tenant: tenantA, User: "burt", Kind: "messages", ID: fmt.Sprint(i), Urgency: routing.UrgencyNormal}
		if _, err := js.PublishMsgAsync(e.Message()); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	took := time.Since(began)
	last := f.publish(tenantA, object{"user": "burt", "kind": "messages", "urgency": "NORMAL"}).Version
	eventually(t, "the burst is worked off", func() error { return f.workedOff(js) })
	for _, token := range []string{ios, android} {
		got := f.pushes(token)[1:]
		t.Logf("%d events within %v: %d pushes", events, took, len(got))
		// Gathering takes a second; a machine that stores for longer earns more.
		if most := 2 + int(took/time.Second); len(got) == 0 || len(got) > most {
			t.Errorf("%d pushes for a burst, want 1 to %d", len(got), most)
			continue
		}
		want := fmt.Sprintf(`{"v":1,"user":"burt","kind":"messages","version":"%d"}`, last)
		if told := string(got[len(got)-1].Hawser); told != want {
			t.Errorf("the last push says %s, want %s", told, want)
		}
	}
}

// bothAway registers an iPhone and an Android tablet of a user, which then are
// away, and returns their push tokens.
func (f *fleet) bothAway(user string) (ios, android string) {
	f.t.Helper()
	ios, android = devmode.DeviceToken(user, "phone"), devmode.DeviceToken(user, "tablet")
	for _, d := range []struct {
		name, token, app string
		platform         wirepb.Platform
	}{{"phone", ios, devmode.IOSApp, wirepb.Platform_PLATFORM_IOS}, {"tablet", android, devmode.AndroidApp, wirepb.Platform_PLATFORM_ANDROID}} {
		r, _ := f.greeted(whole, user, d.name, func(h *wirepb.Hello) {
			h.PushToken, h.App, h.Platform = d.token, d.app, d.platform
		})
		_ = r.tcp.Close()
	}
	f.waitRecords(2)
	eventually(f.t, "both are away", func() error {
		if n := f.metric(whole, "hawser_router_sessions"); n != 0 {
			return fmt.Errorf("%g sessions: %w", n, errNotYet)
		}
		return nil
	})
	return ios, android
}

// jetStream uses the log and the queue with a router's rights.
func (f *fleet) jetStream() jetstream.JetStream {
	f.t.Helper()
	nc, err := f.env.ConnectNATS(routing.RoleRouter, whole)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		f.t.Fatal(err)
	}
	return js
}

// workedOff is nil once every event is settled and every push job is done.
func (f *fleet) workedOff(js jetstream.JetStream) error {
	events, err := js.Consumer(f.t.Context(), routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		return err
	}
	jobs, err := js.Stream(f.t.Context(), routing.StreamPush)
	if err != nil {
		return err
	}
	open, left := events.CachedInfo(), jobs.CachedInfo().State.Msgs
	if n := uint64(open.NumAckPending) + open.NumPending + left; n > 0 {
		return errors.Join(fmt.Errorf("%d are open", n), errNotYet)
	}
	return nil
}
