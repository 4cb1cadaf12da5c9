package router

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hawser-edge/hawser/routing"
)

// NATS servers whose disks were full come back with a consumer that passes an
// event, and without a job for which another one was settled. What they were
// seen to do is done to them here.
func TestLookBack(t *testing.T) {
	e := newEnv(t)
	e.awayFor = time.Millisecond
	ctx := t.Context()
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	h.put("settled", "d1", "token-1", r)
	h.put("passed", "d1", "token-2", r)
	settled := e.publish("settled", "messages")
	eventually(t, "the job is stored", func() bool { return e.job("settled", "d1", "messages") == settled })
	e.settled()

	operator, err := jetstream.New(e.srv.Conn(routing.RoleOperator, "operator"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := operator.Consumer(ctx, routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		t.Fatal(err)
	}
	cfg := c.CachedInfo().Config
	if err := operator.DeleteConsumer(ctx, routing.StreamInbox, routing.ConsumerRouters); err != nil {
		t.Fatal(err)
	}
	passed := e.publish("passed", "messages")
	push, err := operator.Stream(ctx, routing.StreamPush)
	if err != nil {
		t.Fatal(err)
	}
	if err := push.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	failures := r.metrics.retries.WithLabelValues(retryConsumer)
	before := testutil.ToFloat64(failures)
	eventually(t, "the router finds the log away", func() bool { return testutil.ToFloat64(failures) > before })
	cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	if _, err := operator.CreateConsumer(ctx, routing.StreamInbox, cfg); err != nil {
		t.Fatal(err)
	}

	eventually(t, "the job that was lost is stored again", func() bool { return e.job("settled", "d1", "messages") == settled })
	eventually(t, "the event that was passed has its job", func() bool { return e.job("passed", "d1", "messages") == passed })
	eventually(t, "nothing is left open", func() bool { n := r.metrics.totals.Load(); return n.Again == 2 && n.Deliveries == 0 })
}

// Servers whose disks are full stay connected, and killed ones do not.
func TestLogWatch(t *testing.T) {
	e := newEnv(t)
	r := &Router{cfg: Config{Log: discard(), Conn: e.nc, AwayFor: awayFor}, lookBacks: make(chan time.Time, 1)}
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
		{"an election", awayFor - time.Millisecond, watch.missed, false},
		{"full disks", awayFor, watch.missed, true},
		{"nothing to answer", awayFor, func() {}, false},
		{"killed servers, slow to come back", awayFor, func() { restart(); watch.missed() }, false},
		{"full disks, then a restart", awayFor, func() { watch.missed(); restart(); watch.missed() }, true},
		{"full disks on the new connection", awayFor, watch.missed, true},
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
