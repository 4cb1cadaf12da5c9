package pushqueue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// Servers that were started anew may have lost the stream's end: another job may
// have the sequence of one in a worker's hands, and stays. Where they lost nothing
// the job is removed.
func TestAcknowledgementAfterARestart(t *testing.T) {
	for name, version := range map[string]int64{"the end is lost": 6, "another device's of that version has it": 5} {
		t.Run(name, func(t *testing.T) {
			e := start(t)
			_, before, after := e.otherInItsPlace("d2", version)
			before.Done()
			time.Sleep(200 * time.Millisecond)
			e.only(after)
			after.Done()
			e.empty()
		})
	}
	t.Run("nothing is lost", func(t *testing.T) {
		e := start(t)
		w := e.consume(pushqueue.ConsumeConfig{})
		e.put(job(5))
		before := w.next()
		e.reconnect(func() {})
		before.Done()
		e.empty()
	})
}

// What a worker puts off that it was given before such a restart is not the other
// job, and comes again by itself where it still stands.
func TestRetryAfterARestart(t *testing.T) {
	until := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		device string // of the other job
		putOff func(*pushqueue.Delivery)
	}{
		"retry": {"d2", func(d *pushqueue.Delivery) { d.Retry(10 * time.Millisecond) }},
		"hold":  {"d1", func(d *pushqueue.Delivery) { d.Hold(until, pushqueue.HoldRetry, "", "busy") }},
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t)
			w, before, after := e.otherInItsPlace(c.device, 6)
			c.putOff(before)
			w.none(500 * time.Millisecond)
			e.only(after)
			after.Done()
			e.empty()
		})
	}
	t.Run("nothing is lost", func(t *testing.T) {
		e := start(t)
		e.ackWait(time.Second)
		w := e.consume(pushqueue.ConsumeConfig{})
		e.put(job(5))
		before := w.next()
		e.reconnect(func() {})
		before.Retry(time.Millisecond)
		w.next().Done()
		e.empty()
	})
}

// only fails where anything else than a job that was handed out is stored.
func (e *env) only(d *pushqueue.Delivery) {
	e.t.Helper()
	if jobs := e.stored(); len(jobs) != 1 || fmt.Sprint(jobs[0]) != fmt.Sprint(d.Job) {
		e.t.Fatalf("the jobs are %+v, want %+v", jobs, d.Job)
	}
}

// otherInItsPlace returns a job of version 5 that was handed out before servers lost
// it, and a device's that was handed out from the same sequence since.
func (e *env) otherInItsPlace(device string, version int64) (w *worker, before, after *pushqueue.Delivery) {
	e.t.Helper()
	w = e.consume(pushqueue.ConsumeConfig{})
	e.put(job(5))
	before = w.next()
	e.reconnect(e.loseStream)
	e.srv.JetStream("r1", routing.StreamOptions{})
	other := job(version)
	other.Device = device
	e.put(other)
	return w, before, w.next()
}

// loseStream removes all jobs and what is known of them.
func (e *env) loseStream() {
	e.t.Helper()
	operator, err := jetstream.New(e.srv.Conn(routing.RoleOperator, "operator"))
	if err != nil {
		e.t.Fatal(err)
	}
	if err := operator.DeleteStream(e.ctx, routing.StreamPush); err != nil {
		e.t.Fatal(err)
	}
}

// reconnect starts the server anew, and waits until the worker is connected to it.
func (e *env) reconnect(before func()) {
	e.t.Helper()
	before()
	e.reconnected(func() { e.srv.Restart(nil) })
}

// otherLine gives the worker another connection to the server.
func (e *env) otherLine() {
	e.t.Helper()
	e.reconnected(func() {
		if err := e.push.Conn().ForceReconnect(); err != nil {
			e.t.Fatal(err)
		}
	})
}

// reconnected waits until the worker has another connection.
func (e *env) reconnected(cut func()) {
	e.t.Helper()
	reconnects := e.push.Conn().Stats().Reconnects
	cut()
	for e.push.Conn().Stats().Reconnects == reconnects || !e.push.Conn().IsConnected() {
		time.Sleep(time.Millisecond)
	}
}
