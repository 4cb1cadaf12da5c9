package router

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/dispatch"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// A router that stood still takes nothing by what it knew: the message at
// hand was delivered to another router since, and who connected meanwhile is
// not in the table.
func TestStoodStill(t *testing.T) {
	e := newEnv(t)
	r, err := New(Config{Name: "r1", Conn: e.nc, JS: e.js, Catalog: e.cat, Log: discard(), AckWait: 4 * time.Second, Listen: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	subs := &subscriptions{r: r}
	defer subs.end()
	l := newLoop(r, subs)
	now := l.now()
	l.recordsIn, l.listenUntil = true, now
	l.judge(now)
	if !l.complete {
		t.Fatal("not complete with nothing to wait for")
	}
	before := r.epoch.Load()
	for _, stood := range []time.Duration{time.Second, 10 * time.Second} {
		l.steppedAt = time.Now().Add(-stood)
		// Would be acknowledged: the table knows no device of the user. There
		// is no message behind it that this could be done to.
		if at := l.now(); stood > 2*time.Second {
			l.takeMessage(dispatch.Message{Tenant: tenant, User: "u1", Kind: "messages", Version: 1, Receipt: receipt{seq: 1, epoch: before}}, at)
		}
		if stopped := stood > 2*time.Second; stopped == l.complete || stopped == (r.epoch.Load() == before) {
			t.Errorf("stood for %v: complete %v, epoch %d after %d", stood, l.complete, r.epoch.Load(), before)
		}
	}
	if log, own := r.Dispatched(tenant, "u1", "messages"); l.d.Counts().Messages != 0 || log != 0 || own != 0 {
		t.Error("a message of before was taken")
	}
	l.judge(time.Now().Add(2 * time.Second))
	if l.complete {
		t.Error("complete before what the log took in meanwhile was read")
	}
	r.rereads.open.Store(0)
	l.judge(time.Now().Add(2 * time.Second))
	if !l.complete {
		t.Error("not complete after the edges were listened for")
	}
}

// over dials a line, whoever is asked for.
type over struct{ line *natstest.Line }

func (o over) Dial(network, _ string) (net.Conn, error) {
	return net.Dial(network, strings.TrimPrefix(o.line.URL(), "nats://"))
}

// What a router held when it was stopped is another router's; when it goes on
// it leaves it there, and comes back after it has heard the edges anew.
func TestStoppedRouterLeavesItsEvents(t *testing.T) {
	e := newEnv(t)
	stop, goOn := make(chan struct{}), make(chan struct{})
	line := natstest.NewLine(t, strings.TrimPrefix(e.srv.URL(), "nats://"))
	once := sync.OnceFunc(func() { line.Cut(); close(stop); <-goOn; line.Mend() })
	letGo := sync.OnceFunc(func() { close(goOn) })
	// A process that is stopped asks NATS for nothing either.
	conn := e.srv.Conn(routing.RoleRouter, "r1", nats.SetCustomDialer(over{line}))
	r1 := e.routerOn("r1", conn, Hooks{BetweenLookupAndPush: func(a Away) {
		if a.User == "stop" {
			once()
		}
	}})
	t.Cleanup(letGo)
	eventually(t, "r1 is ready", r1.Ready)
	low := func(ev *routing.Event) { ev.Urgency = routing.UrgencyLow }
	h := e.edge("e1")
	h.put("stop", "d1", "token-1", r1)
	h.connect("u0", "d1", true)
	eventually(t, "the session is known", func() bool { return r1.metrics.totals.Load().sessions == 1 })
	e.publish("u0", "messages", low)
	eventually(t, "the event is held", func() bool { return r1.metrics.totals.Load().Held == 1 })
	e.publish("stop", "messages")
	<-stop
	// Those who come and what is published now are unknown to the first one.
	r2 := e.readyRouter("r2", Hooks{})
	const n = 10
	for i := range n {
		h.connect(fmt.Sprintf("u%d", i+1), "d1", true)
	}
	eventually(t, "the other router knows them", func() bool { return r2.metrics.totals.Load().sessions == n+1 })
	for i := range n {
		e.publish(fmt.Sprintf("u%d", i+1), "messages", low)
	}
	eventually(t, "the other router holds all", func() bool { return r2.metrics.totals.Load().Held >= n+1 })
	letGo()
	eventually(t, "the first router noticed", func() bool { return r1.metrics.totals.Load().Abandoned > 0 })
	eventually(t, "the first router is ready again", r1.Ready)
	eventually(t, "the job is stored", func() bool { return e.job("stop", "d1", "messages") > 0 })
	eventually(t, "only the silent devices' events are open", func() bool { return e.open() == n+1 })
	time.Sleep(3 * time.Second) // longer than AckWait
	if open := e.open(); open != n+1 {
		t.Errorf("%d events are open, want the %d of silent devices", open, n+1)
	}
}
