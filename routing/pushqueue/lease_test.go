package pushqueue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// told is a message that counts what the queue is told of it.
type told struct {
	jetstream.Msg
	kept, returned, acked int
}

func (m *told) InProgress() error                { m.kept++; return nil }
func (m *told) Reply() string                    { return "reply" }
func (m *told) Nak() error                       { m.returned++; return nil }
func (m *told) NakWithDelay(time.Duration) error { m.returned++; return nil }
func (m *told) Ack() error                       { m.acked++; return nil }

func always(Job) bool { return true }

// A worker that was stopped for longer than the queue waits no longer has its
// jobs: it sends none of them, and takes none from whoever has them now. What
// it did push is done with all the same.
func TestStoppedProcessHasLostItsJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOpenSet(10, newMetrics(prometheus.NewRegistry()))
		o.lease, o.line, o.mine = 9*time.Second, func() line { return line{up: true} }, always
		o.newest = func(context.Context, string) (uint64, error) { return 7, nil }
		job := func() (*Delivery, *told) {
			m := &told{}
			d := &Delivery{msg: m, seq: 7, open: o}
			d.keptAt.Store(int64(o.since()))
			o.add(d)
			return d, m
		}
		d, m := job()
		pushed, p := job()
		for range 5 {
			time.Sleep(3 * time.Second)
			o.keep()
		}
		if current, err := d.Current(t.Context()); !current || err != nil || m.kept != 5 {
			t.Fatalf("a job that is kept: current %v, %v, kept %d times", current, err, m.kept)
		}
		time.Sleep(20 * time.Second)
		o.keep()
		if current, _ := d.Current(t.Context()); current || m.kept != 5 {
			t.Errorf("after 20 s: current %v, kept %d times", current, m.kept)
		}
		d.Retry(time.Second)
		pushed.Done()
		if m.returned != 0 || p.acked != 1 || o.size() != 0 {
			t.Errorf("returned %d, acked %d, %d open", m.returned, p.acked, o.size())
		}
	})
}

// A worker gives up its jobs before NATS hands them to another one.
func TestLeaseIsShorterThanAckWait(t *testing.T) {
	js, err := jetstream.New(&nats.Conn{})
	if err != nil {
		t.Fatal(err)
	}
	c := &consumption{js: js, open: newOpenSet(10, newMetrics(prometheus.NewRegistry()))}
	const ackWait = 30 * time.Second
	c.connectOpen(t.Context(), ackWait)
	if c.open.lease > ackWait-time.Second || c.open.lease < ackWait/3*2 {
		t.Errorf("the lease is %v; NATS waits for %v, and is told every %v", c.open.lease, ackWait, ackWait/3)
	}
}

// Nor is a job a worker's whose device has become another one's, or that was lost
// while the worker looked whether it is the newest: it is the last look before the
// push.
func TestJobIsLostDuringTheLook(t *testing.T) {
	for name, c := range map[string]struct {
		before, during func(mine *bool)
		current        bool
	}{
		"nothing happens":         {nil, nil, true},
		"another one's":           {func(mine *bool) { *mine = false }, nil, false},
		"another one's meanwhile": {nil, func(mine *bool) { *mine = false }, false},
		"stopped meanwhile":       {nil, func(*bool) { time.Sleep(10 * time.Second) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mine := true
				o := newOpenSet(10, newMetrics(prometheus.NewRegistry()))
				o.lease, o.mine = 9*time.Second, func(Job) bool { return mine }
				o.newest = func(context.Context, string) (uint64, error) {
					if c.during != nil {
						c.during(&mine)
					}
					return 7, nil
				}
				d := &Delivery{msg: &told{}, seq: 7, open: o}
				o.add(d)
				if c.before != nil {
					c.before(&mine)
				}
				if current, err := d.Current(t.Context()); current != c.current || err != nil {
					t.Errorf("current %v, %v, want %v", current, err, c.current)
				}
			})
		})
	}
}

// The queue does not wait for a worker that drops a job of another one's device; of
// its own devices it is not told, for a newer job is in the same worker's hands.
func TestDroppedJobOfAnotherWorkerGoesBack(t *testing.T) {
	for mine, returned := range map[bool]int{true: 0, false: 1} {
		o, m := newOpenSet(10, newMetrics(prometheus.NewRegistry())), &told{}
		o.lease, o.line, o.mine = time.Minute, func() line { return line{up: true} }, func(Job) bool { return mine }
		d := &Delivery{msg: m, open: o}
		d.keptAt.Store(int64(o.since()))
		o.add(d)
		d.Drop()
		if m.returned != returned || m.acked != 0 || o.size() != 0 {
			t.Errorf("mine %v: returned %d times, acked %d, %d open", mine, m.returned, m.acked, o.size())
		}
	}
}

// What waits to be put off takes no place from what the queue is asked for next,
// such as another application's jobs.
func TestParkedJobTakesNoPlace(t *testing.T) {
	o, d := newOpenSet(4, newMetrics(prometheus.NewRegistry())), &Delivery{msg: &told{}, later: true}
	d.open = o
	if o.reserve(true, 10) != 1 {
		t.Fatal("want one place in four for what was held")
	}
	o.addReserved(d)
	if n := o.reserve(true, 10); n != 0 {
		t.Fatalf("%d places besides one that is taken", n)
	}
	if !o.park(&parked{d: d}) || o.reserve(true, 10) != 1 || o.size() != 1 {
		t.Errorf("a parked job keeps its place, or is not open any more: %d are", o.size())
	}
}

// Where NATS does not hear that a job is kept it may give it to another worker.
func TestJobIsNotKeptWithoutNATS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOpenSet(10, newMetrics(prometheus.NewRegistry()))
		o.lease, o.line = 9*time.Second, func() line { return line{} }
		d := &Delivery{msg: &told{}, open: o}
		o.add(d)
		for range 4 {
			time.Sleep(3 * time.Second)
			o.keep()
		}
		if !d.lapsed() {
			t.Error("kept though NATS heard nothing")
		}
	})
}
