package pushqueue_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

func TestSettlingAJob(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})

	want := job(1)
	want.Push = []byte(`{"title":"hello"}`)
	e.put(want)
	d := w.next()
	if d.Job.Version != 1 || string(d.Job.Push) != string(want.Push) || !d.Job.EventAt.Equal(epoch) || d.Deliveries != 1 {
		t.Errorf("delivered %+v", d)
	}
	d.Done()
	d.Retry(0) // only the first call counts
	e.empty()

	e.put(job(2))
	w.next().Retry(200 * time.Millisecond)
	d = w.next()
	if d.Deliveries != 2 {
		t.Errorf("delivery number %d, want 2", d.Deliveries)
	}
	d.Dead("com.example.app", "too old")
	e.empty()
	w.none(100 * time.Millisecond)
}

// The acknowledgement of a job that was replaced does no harm to the one
// that took its place.
func TestDoneOfAReplacedJob(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	e.put(job(1))
	old := w.next()
	e.put(job(2))
	old.Done()
	d := w.next()
	if d.Job.Version != 2 {
		t.Fatalf("version %d came, want 2", d.Job.Version)
	}
	if got := e.stored(); len(got) != 1 {
		t.Fatalf("stored %+v, want version 2", got)
	}
	d.Done()
	e.empty()
}

// A job in a worker's hands is not handed out again, however long it takes.
// Of two workers the one with the older job learns, before it sends, that a
// newer one took its place; settling it takes nothing from the other.
func TestCurrent(t *testing.T) {
	e := start(t)
	one := e.consume(pushqueue.ConsumeConfig{})
	e.put(job(1))
	older := one.next()
	if ok, err := older.Current(e.ctx); !ok || err != nil {
		t.Fatalf("the only job is not current: %v", err)
	}
	e.put(job(2))
	newer := one.next()
	for _, c := range []struct {
		d    *pushqueue.Delivery
		want bool
	}{{older, false}, {newer, true}} {
		if ok, err := c.d.Current(e.ctx); ok != c.want || err != nil {
			t.Errorf("version %d current: %v, %v", c.d.Job.Version, ok, err)
		}
	}
	older.Drop()
	if jobs := e.stored(); len(jobs) != 1 || jobs[0].Version != 2 {
		t.Errorf("stored: %v", jobs)
	}
	newer.Done()
	e.empty()
	if ok, err := newer.Current(e.ctx); ok || err != nil {
		t.Errorf("a job that is gone is current: %v", err)
	}
}

func TestOpenDeliveriesAreKept(t *testing.T) {
	e := start(t)
	e.ackWait(time.Second)
	w := e.consume(pushqueue.ConsumeConfig{})
	e.put(job(1))
	d := w.next()
	w.none(2500 * time.Millisecond)
	d.Done()
	e.empty()
}

// A worker that dies leaves its jobs to another.
func TestRedeliveryAfterACrash(t *testing.T) {
	e := start(t)
	e.ackWait(time.Second)
	e.put(job(1))
	c, err := e.push.Consumer(e.ctx, routing.StreamPush, routing.ConsumerPush)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Next(); err != nil { // and never says another word
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	w := e.consume(pushqueue.ConsumeConfig{Registerer: reg})
	d := w.next()
	if d.Deliveries != 2 {
		t.Errorf("delivery number %d, want 2", d.Deliveries)
	}
	d.Done()
	e.empty()
	if got := metrictest.Value(t, reg, "hawser_pushqueue_redeliveries_total"); got != 1 {
		t.Errorf("%v redeliveries counted, want 1", got)
	}
}

// A worker that stops hands back what it holds at once.
func TestStopHandsBack(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	e.put(job(1))
	late := w.next()
	w.stop()
	late.Done() // too late to count
	again := e.consume(pushqueue.ConsumeConfig{})
	again.next().Done()
	e.empty()
}

// Settling within the grace at the end counts.
func TestStopWaitsForTheWorker(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{Grace: 10 * time.Second})
	e.put(job(1))
	d := w.next()
	var wg sync.WaitGroup
	wg.Go(w.stop)
	time.Sleep(50 * time.Millisecond)
	d.Done()
	wg.Wait()
	e.empty()
}

func TestOpenDeliveriesAreBounded(t *testing.T) {
	e := start(t)
	for v := range int64(10) {
		j := job(v + 1)
		j.Kind = string(rune('a' + v))
		e.put(j)
	}
	w := e.consume(pushqueue.ConsumeConfig{MaxOpen: 4})
	var held []*pushqueue.Delivery
	for range 3 {
		held = append(held, w.next())
	}
	w.none(200 * time.Millisecond) // the fourth place is for held jobs
	for range 7 {
		held[0].Done()
		held = append(held[1:], w.next())
	}
	for _, d := range held {
		d.Done()
	}
	e.empty()
}

// What is not a job is removed, counted, and not quoted.
func TestMalformedJobs(t *testing.T) {
	e := start(t)
	const secret = "the-content"
	other, err := e.router.Stream(e.ctx, routing.StreamPush)
	if err != nil {
		t.Fatal(err)
	}
	e.put(job(9))
	good, err := other.GetLastMsgForSubject(e.ctx, "push.acme.u1.d1.messages")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*nats.Msg{
		{Subject: "push.acme.u1.d2.messages", Data: []byte("\xff" + secret)},
		{Subject: "push.acme.u1.d3.messages"},
		{Subject: "push.acme.u2.d1.messages", Data: good.Data},
	} {
		if _, err := e.router.PublishMsg(e.ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	w := e.consume(pushqueue.ConsumeConfig{Registerer: reg, Log: slog.New(slog.NewTextHandler(&log, nil))})
	w.next().Done()
	e.empty()
	w.stop()
	if got := metrictest.Value(t, reg, "hawser_pushqueue_malformed_total"); got != 3 {
		t.Errorf("%v malformed jobs counted, want 3", got)
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the log quotes content:\n%s", log.String())
	}
	if len(w.jobs) != 0 {
		t.Errorf("a malformed job was delivered")
	}
}

func TestConsumeOutlastsARestart(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	e.put(job(1))
	w.next().Done()
	e.empty()
	e.srv.Restart(nil)
	e.put(job(2))
	w.next().Done()
	e.empty()
}

func TestMetricsAreNamedWell(t *testing.T) {
	e := start(t)
	reg := prometheus.NewRegistry()
	e.consume(pushqueue.ConsumeConfig{Registerer: reg})
	for {
		if n, err := testutil.GatherAndCount(reg); err == nil && n > 0 {
			break
		}
		if e.ctx.Err() != nil {
			t.Fatal("no metrics")
		}
		time.Sleep(10 * time.Millisecond)
	}
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
