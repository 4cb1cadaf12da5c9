package router

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// NATS servers whose disks were full come back with a consumer that passes an
// event, without a job for which another one was settled, and with one in the
// stream that is handed out to nobody. What they were seen to do is done to them
// here.
func TestLookBack(t *testing.T) {
	e := newEnv(t)
	e.awayFor = time.Millisecond
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	for i, user := range []string{"settled", "passed", "forgotten"} {
		h.put(user, "d1", fmt.Sprint("token-", i), r)
	}
	settled, forgotten := e.publish("settled", "messages"), e.publish("forgotten", "posts")
	eventually(t, "the jobs are stored", func() bool {
		return e.job("settled", "d1", "messages") == settled && e.job("forgotten", "d1", "posts") == forgotten
	})
	e.settled()

	var passed int64
	e.logAway(r, func(operator jetstream.JetStream) {
		passed = e.publish("passed", "messages")
		push, err := operator.Stream(t.Context(), routing.StreamPush)
		if err != nil {
			t.Fatal(err)
		}
		if err := push.Purge(t.Context(), jetstream.WithPurgeSubject(routing.PushSubject(tenant, "settled", "d1", "messages"))); err != nil {
			t.Fatal(err)
		}
		to := map[string]uint64{"seq": push.CachedInfo().State.LastSeq + 1}
		if err := jsapi.Ask(t.Context(), operator.Conn(), "CONSUMER.RESET."+routing.StreamPush+"."+routing.ConsumerPush, to, nil); err != nil {
			t.Fatal(err)
		}
	})

	eventually(t, "the job that was lost is stored again", func() bool { return e.job("settled", "d1", "messages") == settled })
	eventually(t, "the event that was passed has its job", func() bool { return e.job("passed", "d1", "messages") == passed })
	eventually(t, "all three are to be handed out", func() bool {
		c, err := e.js.Consumer(t.Context(), routing.StreamPush, routing.ConsumerPush)
		return err == nil && c.CachedInfo().NumPending == 3
	})
	eventually(t, "nothing is left open", func() bool { n := r.metrics.totals.Load(); return n.Again == 3 && n.Deliveries == 0 })
}

// logAway takes the log's consumer from a router until it has found that out, and
// gives it back with nothing to hand out of what came meanwhile.
func (e *env) logAway(r *running, meanwhile func(operator jetstream.JetStream)) {
	e.t.Helper()
	ctx := e.t.Context()
	operator, err := jetstream.New(e.srv.Conn(routing.RoleOperator, "operator"))
	if err != nil {
		e.t.Fatal(err)
	}
	c, err := operator.Consumer(ctx, routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		e.t.Fatal(err)
	}
	cfg := c.CachedInfo().Config
	if err := operator.DeleteConsumer(ctx, routing.StreamInbox, routing.ConsumerRouters); err != nil {
		e.t.Fatal(err)
	}
	meanwhile(operator)
	failures := r.metrics.retries.WithLabelValues(retryConsumer)
	before := testutil.ToFloat64(failures)
	eventually(e.t, "the router finds the log away", func() bool { return testutil.ToFloat64(failures) > before })
	cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	if _, err := operator.CreateConsumer(ctx, routing.StreamInbox, cfg); err != nil {
		e.t.Fatal(err)
	}
}

// Servers whose disks are full stay connected, and killed ones do not.
func TestLogWatch(t *testing.T) {
	e := newEnv(t)
	r := &Router{cfg: Config{Log: discard(), Conn: e.nc, AwayFor: awayFor}, lookBacks: make(chan time.Time, 1), renewals: make(chan struct{}, 1)}
	watch, now := &logWatch{r: r}, time.Now()
	restart := func() {
		before := e.nc.Stats().Reconnects
		e.srv.Restart(func() {
			eventually(t, "the router is cut off", func() bool { return !e.nc.IsConnected() })
			watch.missed()
		})
		eventually(t, "the router is connected again", func() bool { return e.nc.IsConnected() && e.nc.Stats().Reconnects > before })
	}
	for _, tt := range []struct {
		name     string
		away     time.Duration
		trouble  func()
		lookBack bool
	}{
		{"an election", 2*awayFor - time.Millisecond, watch.missed, false},
		{"full disks, but of this server", 2 * awayFor, watch.missed, true},
		{"full disks", awayFor, func() { watch.missed(); restart(); watch.missed() }, true},
		{"a server that is started anew in time", awayFor - time.Millisecond, func() { watch.missed(); restart(); watch.missed() }, false},
		{"killed servers, slow to come back", 3 * awayFor, func() { restart(); watch.missed() }, false},
		{"nothing to answer", 3 * awayFor, func() {}, false},
		{"full disks on the new connection", 2 * awayFor, watch.missed, true},
	} {
		watch.answered(now)
		tt.trouble()
		heard := now
		now = now.Add(tt.away)
		watch.answered(now)
		select {
		case since := <-r.lookBacks:
			if !tt.lookBack || !since.Equal(heard.Add(-lookBackFor)) {
				t.Errorf("%s: looks back to %v before the log was last heard", tt.name, heard.Sub(since))
			}
		default:
			if tt.lookBack {
				t.Errorf("%s: does not look back", tt.name)
			}
		}
	}
}
