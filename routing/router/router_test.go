package router

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/presence"
)

func TestConnectedDeviceHears(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	c := h.connect("u1", "d1", false)
	eventually(t, "the session is known", func() bool { return r.metrics.totals.Load().sessions == 1 })
	v := e.publish("u1", "messages")
	eventually(t, "the device hears", func() bool { return h.heard(c, "messages") == v })
	e.settled()
	if n := e.job("u1", "d1", "messages"); n != 0 {
		t.Errorf("push job %d stored for a device that acknowledged", n)
	}
}

func TestAwayDeviceIsPushed(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	h.put("u1", "d1", "token-1", r)
	v := e.publish("u1", "messages")
	e.publish("u1", "quiet")
	e.publish("u2", "messages")
	e.settled()
	if n := e.job("u1", "d1", "messages"); n != v {
		t.Errorf("push job %d, want %d", n, v)
	}
	if n := e.job("u1", "d1", "quiet"); n != 0 {
		t.Errorf("push job %d of a kind without pushes", n)
	}
	v = e.publish("u1", "quiet", func(ev *routing.Event) { ev.Push = []byte(`{"title":"T"}`) })
	e.publish("u1", "messages", func(ev *routing.Event) { ev.Push = []byte(`{"none":true}`) })
	e.settled()
	if n := e.job("u1", "d1", "quiet"); n != v {
		t.Errorf("push job %d of an event that asks for a push, want %d", n, v)
	}
}

func TestSilentDeviceIsPushedAfterItsPatience(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	h.put("u1", "d1", "token-1", r)
	c := h.connect("u1", "d1", true)
	eventually(t, "the session is known", func() bool { return r.metrics.totals.Load().sessions == 1 })
	begin := time.Now()
	v := e.publish("u1", "messages")
	eventually(t, "the job is stored", func() bool { return e.job("u1", "d1", "messages") == v })
	if d := time.Since(begin); d < 3*time.Second {
		t.Errorf("pushed after %v, before the patience of 3 s", d)
	}
	if h.heard(c, "messages") != v {
		t.Error("the device was not told")
	}
	e.settled()
	begin = time.Now()
	v = e.publish("u1", "messages", func(ev *routing.Event) { ev.Urgency = routing.UrgencyLow })
	eventually(t, "a doubtful device is pushed", func() bool { return e.job("u1", "d1", "messages") == v })
	if d := time.Since(begin); d > 30*time.Second {
		t.Errorf("a doubtful device was pushed after %v, another one would be after 60 s", d)
	}
}

func TestKilledRouterHandsOver(t *testing.T) {
	e := newEnv(t)
	r1 := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	c := h.connect("u1", "d1", true)
	eventually(t, "the session is known", func() bool { return r1.metrics.totals.Load().sessions == 1 })
	v := e.publish("u1", "messages", func(ev *routing.Event) { ev.Urgency = routing.UrgencyLow })
	eventually(t, "the event is held", func() bool { return r1.metrics.totals.Load().Held == 1 })
	r1.stop()
	if e.open() == 0 {
		t.Fatal("the killed router had acknowledged")
	}
	h.disconnect(c)
	c = h.connect("u1", "d1", false)
	r2 := e.readyRouter("r2", Hooks{})
	eventually(t, "the device hears", func() bool { return h.heard(c, "messages") == v })
	e.settled()
	eventually(t, "the event was delivered again", func() bool { return r2.metrics.totals.Load().Redelivered > 0 })
}

func TestDrainHandsOverAtOnce(t *testing.T) {
	e := newEnvWaiting(t, 40*time.Second)
	r1 := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	for i := range 20 {
		h.connect(fmt.Sprintf("u%d", i), "d1", true)
	}
	eventually(t, "the sessions are known", func() bool { return r1.metrics.totals.Load().sessions == 20 })
	for i := range 20 {
		e.publish(fmt.Sprintf("u%d", i), "messages", func(ev *routing.Event) { ev.Urgency = routing.UrgencyLow })
	}
	eventually(t, "the events are held", func() bool { return r1.metrics.totals.Load().Held == 20 })
	r2 := e.readyRouter("r2", Hooks{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	begin := time.Now()
	if err := r1.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other router holds all", func() bool { return r2.metrics.totals.Load().Held == 20 })
	if d := time.Since(begin); d > 30*time.Second {
		t.Errorf("handed over after %v: not returned, but timed out", d)
	}
	if err := r1.Drain(ctx); err != nil {
		t.Errorf("second drain: %v", err)
	}
}

// names takes "user/device" for a token, as a verifier of the tenant's.
type names struct{}

func (names) Verify(token string) (t, user, device string, issued time.Time, err error) {
	user, device, ok := strings.Cut(token, "/")
	if !ok {
		return "", "", "", issued, errors.New("refused")
	}
	return tenant, user, device, time.Now(), nil
}

// Whoever has an edge's NATS credentials, and not the device's token, can
// neither have a user's pushes sent elsewhere nor end them.
func TestEdgeAloneMovesNoRecord(t *testing.T) {
	e := newEnv(t)
	conn := e.srv.Conn(routing.RoleRouter, "r1")
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Name: "r1", Conn: conn, JS: js, Catalog: e.cat, Listen: 400 * time.Millisecond, Log: discard(), Verifier: names{}})
	if err != nil {
		t.Fatal(err)
	}
	e.start(r)
	eventually(t, "the router is ready", r.Ready)
	h := e.edge("e1")
	put := func(ctx context.Context, d edgelink.Device, push string) error {
		d.Tenant, d.Platform, d.App, d.PushToken, d.Epoch = tenant, "ios", "app", push, time.Now().UnixMilli()
		return h.PutDevice(ctx, d)
	}
	if err := put(e.ctx(), edgelink.Device{User: "u1", Device: "d1", JWT: "u1/d1"}, "mine"); err != nil {
		t.Fatal(err)
	}
	for _, jwt := range []string{"", "garbage", "u2/d1", "u1/d2"} {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		if err := put(ctx, edgelink.Device{User: "u1", Device: "spy", JWT: jwt}, "stolen"); err == nil {
			t.Errorf("token %q registered a device of u1", jwt)
		}
		cancel()
		ctx, cancel = context.WithTimeout(context.Background(), 500*time.Millisecond)
		if err := h.RemoveDevice(ctx, tenant, "u1", "d1", jwt); err == nil {
			t.Errorf("token %q removed a device of u1", jwt)
		}
		cancel()
	}
	if e.present("u1", "spy") || !e.present("u1", "d1") {
		t.Error("an edge alone moved a record")
	}
	if err := h.RemoveDevice(t.Context(), tenant, "u1", "d1", "u1/d1"); err != nil || e.present("u1", "d1") {
		t.Errorf("the device itself: %v", err)
	}
}

func TestNewerSessionSupersedes(t *testing.T) {
	e := newEnv(t)
	e.readyRouter("r1", Hooks{})
	h1, h2 := e.edge("e1"), e.edge("e2")
	now := time.Now().UnixMilli()
	old := h1.connectAt("u1", "d1", false, now)
	c := h2.connectAt("u1", "d1", false, now+1)
	late := h1.connectAt("u1", "d2", false, now+10_000)
	eventually(t, "the older session is told", func() bool { return h1.wasSuperseded(old) })
	eventually(t, "an epoch of tomorrow is refused", func() bool { return h1.wasSuperseded(late) })
	v := e.publish("u1", "messages")
	eventually(t, "the newer session hears", func() bool { return h2.heard(c, "messages") == v })
	if h2.wasSuperseded(c) {
		t.Error("the newer session was superseded")
	}
}

func TestRecordsFollowTokens(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	h.put("u1", "d1", "token-1", r)
	h.put("u2", "d1", "token-2", r)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	eventually(t, "the backend hears of both", func() bool { return e.count(routing.StreamEvents) == 2 })
	// The phone changed hands: its token is u2's now.
	if err := h.PutDevice(ctx, edgelink.Device{Tenant: tenant, User: "u2", Device: "d2", Platform: "ios", App: "app", PushToken: "token-1", Epoch: time.Now().UnixMilli()}); err != nil {
		t.Fatal(err)
	}
	if e.present("u1", "d1") {
		t.Error("the token's former owner still has a record")
	}
	if err := h.RemoveDevice(ctx, tenant, "u2", "d1", ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one record is left", func() bool { return r.metrics.totals.Load().records == 1 })
	e.publish("u1", "messages")
	e.settled()
	if e.job("u1", "d1", "messages") != 0 {
		t.Error("the former owner is pushed")
	}
}

func TestCheck(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	h.connect("u1", "good", false)
	h.connect("u1", "silent", true)
	eventually(t, "the sessions are known", func() bool { return r.metrics.totals.Load().sessions == 2 })
	client := presence.New(e.srv.Conn(routing.RolePush, "p1"), "p1")
	for device, want := range map[string]presence.State{
		"good": presence.Covered, "silent": presence.InFlight, "none": presence.Away,
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		got, err := client.Check(ctx, presence.Question{Tenant: tenant, User: "u1", Device: device, Kind: "messages", Version: 7})
		cancel()
		if err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", device, got, err, want)
		}
	}
}

func TestNATSAwayAndBack(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	c := h.connect("u1", "d1", false)
	eventually(t, "the session is known", func() bool { return r.metrics.totals.Load().sessions == 1 })
	var c2 uint64
	e.srv.Restart(func() { c2 = h.connect("u2", "d1", false) })
	eventually(t, "the test is connected again", e.nc.IsConnected)
	var v, v2 int64
	eventually(t, "the log is back", func() bool { return e.open() >= 0 })
	v, v2 = e.publish("u1", "messages"), e.publish("u2", "messages")
	eventually(t, "the devices hear", func() bool { return h.heard(c, "messages") == v && h.heard(c2, "messages") == v2 })
	e.settled()
	if r.metrics.totals.Load().edges != 1 {
		t.Error("the edge was lost")
	}
}

func TestNATSAbsentAtStart(t *testing.T) {
	e := newEnv(t)
	opts := append(routing.ConnectOptions(routing.RoleRouter, "r1"),
		nats.UserInfo(routing.UserName(routing.RoleRouter, "r1"), natstest.Password))
	var r *running
	e.srv.Restart(func() {
		conn, err := nats.Connect(e.srv.URL(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		r = e.routerOn("r1", conn, Hooks{})
		time.Sleep(100 * time.Millisecond)
		if r.Ready() {
			t.Error("ready without NATS")
		}
	})
	eventually(t, "the router is ready", r.Ready)
	e.publish("u1", "messages")
	e.settled()
}

func TestBadConfig(t *testing.T) {
	for _, c := range []Config{{}, {Name: "a b"}, {Name: "r1"}} {
		if _, err := New(c); !errors.Is(err, errConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestRunsOnce(t *testing.T) {
	e := newEnv(t)
	r := e.router("r1", Hooks{})
	eventually(t, "it runs", r.running.Load)
	if err := r.Run(t.Context()); !errors.Is(err, errRunning) {
		t.Errorf("second Run: %v", err)
	}
}
