package pushqueue_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// away has a job wait for its application and returns its first delivery from
// where it waits, which comes at once: the worker knows how long.
func (e *env) away(w *worker) *pushqueue.Delivery {
	e.t.Helper()
	e.put(job(1))
	w.next().Hold(time.Now().Add(time.Hour), pushqueue.HoldPaused, "ios app", "application stopped")
	d := w.next()
	if j := d.Job; j.Hold != pushqueue.HoldPaused || j.WaitsFor != "ios app" || j.Reason != "application stopped" || j.Failures != 0 {
		e.t.Fatalf("%+v came", j)
	}
	return d
}

// last is the sequence of the newest message that was ever written.
func (e *env) last() uint64 {
	e.t.Helper()
	s, err := e.router.Stream(e.ctx, routing.StreamPush)
	if err != nil {
		e.t.Fatal(err)
	}
	return s.CachedInfo().State.LastSeq
}

// What waits for its application is sent back without a write, as often as it
// likes, comes in its time, and at once when it is called back.
func TestPostponedJobs(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	d := e.away(w)
	written := e.last()
	for range 3 {
		d.Postpone(time.Now().Add(100 * time.Millisecond))
		d = w.next()
	}
	recall := d.Postpone(time.Now().Add(time.Hour))
	w.none(300 * time.Millisecond)
	recall()
	d = w.next()
	if n := e.last(); n != written {
		t.Errorf("%d messages were written", n-written)
	}
	d.Done()
	e.empty()
	recall() // it has gone
	w.none(300 * time.Millisecond)
}

// A job that waits outlives its worker and NATS: it comes to another one, early.
func TestPostponedJobOutlivesAll(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	e.away(w).Postpone(time.Now().Add(5 * time.Second))
	w.stop()
	e.srv.Restart(nil)
	e.consume(pushqueue.ConsumeConfig{}).next().Done()
	e.empty()
}

// What waits is not handed out early because its worker ended before the queue
// was told.
func TestPostponedJobWaitsOnAfterItsWorker(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	recall := e.away(w).Postpone(time.Now().Add(time.Hour))
	w.stop()
	w = e.consume(pushqueue.ConsumeConfig{})
	other := job(1)
	other.User = "u2"
	e.put(other)
	if d := w.next(); d.Job.User != other.User {
		t.Errorf("%+v came", d.Job)
	} else {
		d.Done()
	}
	w.none(300 * time.Millisecond)
	e.otherLine() // a job is called back over whichever connection there is
	recall()
	w.next().Done()
	e.empty()
}

// A recall names a sequence. Where servers lost the stream's end and another job
// has that now, the other one comes no earlier for it, and stays.
func TestRecallOfALostJob(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	recall := e.away(w).Postpone(time.Now().Add(time.Second)) // too short to be told later
	seq := e.last()
	e.reconnect(e.loseStream)
	e.srv.JetStream("r1", routing.StreamOptions{})
	other := job(7)
	other.Hold, other.NotBefore = pushqueue.HoldRetry, time.Now().Add(time.Hour).Truncate(time.Millisecond)
	for e.state().LastSeq < seq {
		other.Device = fmt.Sprint("d", 2+e.state().LastSeq)
		e.later(other)
	}
	e.handedOut(routing.ConsumerPushLater, seq)
	recall()
	w.none(500 * time.Millisecond)
	if jobs := e.stored(); uint64(len(jobs)) != seq {
		t.Errorf("the jobs are %+v, want %d", jobs, seq)
	}
}

// News for a device whose job waits for its application are one job with it,
// which its worker need not hold anew: also where the time in it is over.
func TestNewsWaitWithAPostponedJob(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	e.away(w).Postpone(time.Now().Add(time.Hour))
	urgent := job(2)
	urgent.Urgency = 3
	e.put(urgent)
	d := w.next()
	if j := d.Job; j.Version != 2 || j.Urgency != 3 || j.Hold != pushqueue.HoldPaused || j.WaitsFor != "ios app" {
		t.Errorf("%+v came", j)
	}
	d.Done()
	e.empty()
}

// The bytes of a log that several goroutines write.
type sharedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A hold that cannot be written is counted, logged once, and the job is not lost.
func TestUnwrittenHoldIsSaid(t *testing.T) {
	e := start(t)
	var log sharedLog
	reg := prometheus.NewRegistry()
	w := e.consume(pushqueue.ConsumeConfig{Log: slog.New(slog.NewTextHandler(&log, nil)), Registerer: reg})
	e.put(job(1))
	other := job(1)
	other.User = "u2"
	e.put(other)
	first, second := w.next(), w.next()
	s, err := e.router.Stream(e.ctx, routing.StreamPush)
	if err != nil {
		t.Fatal(err)
	}
	limit := func(change func(*jetstream.StreamConfig)) {
		cfg := s.CachedInfo().Config
		change(&cfg)
		if _, err := e.router.UpdateStream(e.ctx, cfg); err != nil {
			t.Fatal(err)
		}
	}
	limit(func(c *jetstream.StreamConfig) { c.MaxMsgSize = 10 })
	for _, d := range []*pushqueue.Delivery{first, second} {
		d.Hold(time.Now().Add(time.Hour), pushqueue.HoldRetry, "", "TooManyRequests")
	}
	d := w.next() // after 5 s
	limit(func(*jetstream.StreamConfig) {})
	w.next().Done()
	d.Done()
	e.empty()
	if n := strings.Count(log.String(), "could not be written down"); n != 1 {
		t.Errorf("%d lines: %s", n, log.String())
	}
	if n := metrictest.Value(t, reg, "hawser_pushqueue_unheld_total"); n != 2 {
		t.Errorf("counted %v", n)
	}
}
