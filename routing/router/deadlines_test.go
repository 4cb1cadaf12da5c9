package router

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// devicesEnv sets how many devices a test of many has. The figure that counts
// is of 100,000, on a machine without other work:
//
//	HAWSER_DEVICES=100000 go test -v -run TestDeadlinesAtOnce ./routing/router
const devicesEnv = "HAWSER_DEVICES"

func manyDevices(t *testing.T, ci int) int {
	t.Helper()
	text := os.Getenv(devicesEnv)
	if text == "" {
		return ci
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number of devices", devicesEnv, text)
	}
	return n
}

// Silent devices whose patience ends at about the same moment: the log stores
// their users' events within fractions of a second. The router decides on all
// of them, in time where it is alone on its machine.
func TestDeadlinesAtOnce(t *testing.T) {
	const ofUser = 100
	devices := manyDevices(t, 2000) / ofUser * ofUser
	e := newEnvWaiting(t, 4*time.Second)
	registry := prometheus.NewRegistry()
	conn := e.srv.Conn(routing.RoleRouter, "r1")
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{
		Name: "r1", Conn: conn, JS: js, Catalog: e.cat, AckWait: e.ackWait, Listen: 400 * time.Millisecond, Log: discard(),
		// So many that nobody's patience is shortened for want of room.
		MaxPending: 10 * devices, Registerer: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	e.putTokens(devices/ofUser, ofUser)
	e.start(r)
	edge := e.edge("e1")
	for i := range devices {
		edge.connect(fmt.Sprintf("u%d", i/ofUser), fmt.Sprintf("d%d", i%ofUser), true)
	}
	eventually(t, "the table is whole", func() bool {
		at := r.metrics.totals.Load()
		return r.Ready() && at.sessions == devices && at.records == devices
	})
	time.Sleep(time.Second) // for what the edge asks for its new sessions
	for i := range devices / ofUser {
		e.n++
		ev := routing.Event{Tenant: tenant, User: fmt.Sprintf("u%d", i), Kind: "messages", ID: fmt.Sprint(e.n)}
		if _, err := e.js.PublishMsgAsync(ev.Message()); err != nil {
			t.Fatal(err)
		}
	}
	stored := time.Now()
	<-e.js.PublishAsyncComplete()
	t.Logf("events of %d devices stored within %v", devices, time.Since(stored))
	eventually(t, "all are decided", func() bool { n, _ := lateness(t, registry, .25); return n >= uint64(devices) })
	total, inTime := lateness(t, registry, .25)
	for _, bound := range []float64{.05, .1, .15, .2, .25, .5, 1} {
		_, n := lateness(t, registry, bound)
		t.Logf("%6.2f %% within %v", 100*float64(n)/float64(total), time.Duration(bound*float64(time.Second)))
	}
	if os.Getenv(devicesEnv) != "" && float64(inTime) < .99*float64(total) {
		t.Errorf("%d of %d decisions within 250 ms: fewer than 99 %%", inTime, total)
	}
}

// lateness returns how many decisions there were, and how many within a bound
// in seconds.
func lateness(t *testing.T, registry *prometheus.Registry, bound float64) (total, within uint64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "hawser_router_decision_lateness_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		for _, b := range h.GetBucket() {
			if b.GetUpperBound() <= bound {
				within = b.GetCumulativeCount()
			}
		}
		return h.GetSampleCount(), within
	}
	t.Fatal("there is no such metric")
	return 0, 0
}

// putTokens writes the records of devices u0.d0 and so on, as the routers do.
func (e *env) putTokens(users, ofUser int) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	kv, err := e.js.KeyValue(ctx, routing.BucketDevices)
	if err != nil {
		e.t.Fatal(err)
	}
	for i := range users * ofUser {
		user, device := fmt.Sprintf("u%d", i/ofUser), fmt.Sprintf("d%d", i%ofUser)
		b, err := proto.Marshal(&linkpb.DeviceRecord{
			Platform: "ios", App: "app", PushToken: user + device, Epoch: 1, RegisteredMs: time.Now().UnixMilli(),
		})
		if err != nil {
			e.t.Fatal(err)
		}
		if _, err := e.js.PublishAsync("$KV."+kv.Bucket()+"."+routing.DeviceKey(tenant, user, device), b); err != nil {
			e.t.Fatal(err)
		}
	}
	<-e.js.PublishAsyncComplete()
}
