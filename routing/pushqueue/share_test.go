package pushqueue_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// given is a delivery and whom it was given to.
type given struct {
	*pushqueue.Delivery
	to string
}

// shared is a queue with several workers, each on a connection of its own.
type shared struct {
	*env
	jobs chan given
	regs map[string]*prometheus.Registry
	end  map[string]context.CancelFunc
	work sync.WaitGroup
}

func startShared(t *testing.T, names ...string) *shared {
	t.Helper()
	t.Parallel()
	e := start(t, names...)
	s := &shared{env: e, jobs: make(chan given, 10_000), regs: map[string]*prometheus.Registry{}, end: map[string]context.CancelFunc{}}
	t.Cleanup(s.work.Wait)
	return s
}

// join has a worker take part, over a line or, with "", straight.
func (s *shared) join(name, url string, cfg pushqueue.ConsumeConfig) *nats.Conn {
	s.t.Helper()
	nc := s.srv.Conn(routing.RolePush, name)
	if url != "" {
		nc.Close()
		var err error
		nc, err = nats.Connect(url, nats.UserInfo(routing.UserName(routing.RolePush, name), natstest.Password),
			nats.CustomInboxPrefix(routing.InboxPrefix(routing.RolePush, name)), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(nc.Close)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.t.Cleanup(cancel)
	s.regs[name], s.end[name] = prometheus.NewRegistry(), cancel
	cfg.Name, cfg.Registerer, cfg.Grace = name, s.regs[name], 50*time.Millisecond
	s.work.Go(func() {
		if err := pushqueue.Consume(ctx, js, cfg, func(d *pushqueue.Delivery) { s.jobs <- given{d, name} }); err != nil {
			s.t.Error(err)
		}
	})
	return nc
}

// workers waits until each of these counts as many workers.
func (s *shared) workers(n float64, names ...string) {
	s.t.Helper()
	for _, name := range names {
		for s.gauge(name, "hawser_pushqueue_workers") != n {
			if s.ctx.Err() != nil {
				s.t.Fatalf("%s counts %v workers, want %v", name, s.gauge(name, "hawser_pushqueue_workers"), n)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func (s *shared) gauge(name, metric string) float64 {
	s.t.Helper()
	value, found := metrictest.Find(s.t, s.regs[name], metric)
	if !found {
		return -1
	}
	return value
}

func (s *shared) next() given {
	s.t.Helper()
	select {
	case g := <-s.jobs:
		return g
	case <-s.ctx.Done():
		s.t.Fatal("no job came")
		return given{}
	}
}

func jobOf(user string, version int64) pushqueue.Job {
	j := job(version)
	j.User = user
	return j
}

// Whoever is given a job by the queue, it comes to the worker that has its
// device, and what that one says of it reaches the queue.
func TestJobsOfADeviceComeToOneWorker(t *testing.T) {
	s := startShared(t, "p1", "p2", "p3")
	s.ackWait(5 * time.Minute) // what is sent back comes because it was sent back
	for _, name := range []string{"p1", "p2", "p3"} {
		s.join(name, "", pushqueue.ConsumeConfig{})
	}
	s.workers(3, "p1", "p2", "p3")
	owner, returned := map[string]string{}, map[string]bool{}
	const users, rounds = 30, 6
	for round := range int64(rounds) {
		for u := range users {
			s.put(jobOf(fmt.Sprintf("u%d", u), round+1))
		}
		for left := users; left > 0; {
			g := s.next()
			ok, err := g.Current(s.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				// The machine stood still for so long that the worker takes its
				// devices for others'. They are anybody's until it is back.
				t.Logf("version %d of %s is not current at %s", g.Job.Version, g.Job.User, g.to)
				g.Drop()
				clear(owner)
				continue
			}
			if o := owner[g.Job.User]; o != "" && o != g.to {
				t.Fatalf("the device of %s is at %s and at %s", g.Job.User, o, g.to)
			}
			owner[g.Job.User] = g.to
			key := fmt.Sprint(g.Job.User, round)
			switch {
			case round%3 == 1 && !returned[key]:
				returned[key] = true
				g.Retry(10 * time.Millisecond)
				continue
			case round%3 == 2:
				g.Dead("", "test")
			default:
				g.Done()
			}
			left--
		}
		s.empty()
	}
	count := map[string]int{}
	for _, o := range owner {
		count[o]++
	}
	if len(count) != 3 {
		t.Errorf("devices of the workers: %v", count)
	}
}

// What was passed is kept from being handed out again, like any other job.
func TestPassedJobsAreKept(t *testing.T) {
	s := startShared(t, "p1", "p2")
	s.ackWait(6 * time.Second)
	s.join("p1", "", pushqueue.ConsumeConfig{})
	s.join("p2", "", pushqueue.ConsumeConfig{})
	s.workers(2, "p1", "p2")
	var held []given
	for u := range 12 {
		s.put(jobOf(fmt.Sprintf("u%d", u), 1))
		held = append(held, s.next())
	}
	select {
	case g := <-s.jobs:
		t.Errorf("%s was given the job of %s again", g.to, g.Job.User)
	case <-time.After(9 * time.Second):
	}
	for _, g := range held {
		if g.Deliveries != 1 {
			t.Errorf("the job of %s was delivered %d times", g.Job.User, g.Deliveries)
		}
		g.Done()
	}
	s.empty()
}

// A worker that is full leaves its jobs where they are until it has room.
func TestFullWorkerIsPassedNothing(t *testing.T) {
	s := startShared(t, "p1", "p2")
	s.join("p1", "", pushqueue.ConsumeConfig{})
	s.join("p2", "", pushqueue.ConsumeConfig{MaxOpen: 4})
	s.workers(2, "p1", "p2")
	const users = 24
	for u := range users {
		s.put(jobOf(fmt.Sprintf("u%d", u), 1))
	}
	held := map[string]int{}
	for range users {
		g := s.next()
		if held[g.to]++; g.to == "p2" {
			if open := s.gauge("p2", "hawser_pushqueue_open"); open > 4 {
				t.Errorf("p2 has %v jobs open", open)
			}
		}
		g.Done()
	}
	if held["p2"] == 0 {
		t.Error("p2 was given nothing")
	}
	s.empty()
}

// The devices of a worker that ends, or is cut off, go to the other one. What
// the one that was cut off has in hand it must not send when it is back.
func TestDevicesOfALostWorker(t *testing.T) {
	for name, lose := range map[string]func(s *shared, line *natstest.Line){
		"ends":   func(s *shared, _ *natstest.Line) { s.end["p1"]() },
		"is cut": func(_ *shared, line *natstest.Line) { line.Cut() },
	} {
		t.Run(name, func(t *testing.T) {
			s := startShared(t, "p1", "p2")
			line := natstest.NewLine(t, s.srv.URL()[len("nats://"):])
			s.join("p1", line.URL(), pushqueue.ConsumeConfig{})
			s.join("p2", "", pushqueue.ConsumeConfig{})
			s.workers(2, "p1", "p2")
			older := s.jobOfWorker("p1")
			if ok, err := older.Current(s.ctx); !ok || err != nil {
				t.Fatalf("not current: %v", err)
			}
			lose(s, line)
			s.workers(1, "p2")
			s.put(jobOf(older.Job.User, 2))
			newer := s.next()
			for newer.Job.Version < 2 { // the older one came back first
				newer.Drop()
				newer = s.next()
			}
			if ok, err := newer.Current(s.ctx); newer.to != "p2" || !ok || err != nil {
				t.Fatalf("the newer job is at %s, current %v, %v", newer.to, ok, err)
			}
			if ok, _ := older.Current(s.ctx); ok {
				t.Error("the older job is still to be sent")
			}
			newer.Done()
			line.Mend()
			s.empty()
			if ok, _ := older.Current(s.ctx); ok {
				t.Error("the older job is to be sent again")
			}
		})
	}
}

// jobOfWorker puts jobs until one comes to a worker, and settles the others.
func (s *shared) jobOfWorker(name string) given {
	s.t.Helper()
	for u := range 100 {
		s.put(jobOf(fmt.Sprintf("u%d", u), 1))
		g := s.next()
		if g.to == name {
			return g
		}
		g.Done()
	}
	s.t.Fatalf("%s has no device", name)
	return given{}
}

// A worker that does not hear what it says itself takes no jobs, and says that
// it is not ready.
func TestUnheardWorkerTakesNothing(t *testing.T) {
	s := startShared(t, "p1", "p2")
	said := make(chan bool, 10)
	nc := s.srv.Conn(routing.RolePush, "p2") // may not speak for p1
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.work.Go(func() {
		_ = pushqueue.Consume(ctx, js, pushqueue.ConsumeConfig{Name: "p1", Ready: func(ok bool) { said <- ok }}, func(d *pushqueue.Delivery) { s.jobs <- given{d, "p1"} })
	})
	s.put(job(1))
	s.join("p2", "", pushqueue.ConsumeConfig{})
	g := s.next()
	if g.to != "p2" {
		t.Errorf("the job came to %s", g.to)
	}
	g.Done()
	s.empty()
	select {
	case ok := <-said:
		t.Errorf("ready: %v", ok)
	default:
	}
}
