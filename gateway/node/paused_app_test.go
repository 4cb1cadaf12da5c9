package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// An application whose credential is refused has thousands of pushes waiting,
// and a push process ends meanwhile: the pushes of another application go out as
// ever, and none of the first one's is lost. In full:
//
//	HAWSER_SCHEDULES=20000 go test -v -run PausedAppTakesNoPlace ./gateway/node
func TestPausedAppTakesNoPlaceInTheQueue(t *testing.T) {
	n := 600
	if s := os.Getenv("HAWSER_SCHEDULES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	q := startTwoApps(t)
	stop := q.work("p1")
	q.work("p2")
	q.healthy("first", 1)
	time.Sleep(2 * time.Second) // whoever comes or goes costs a second
	alone := q.healthy("alone", 30)

	q.refused(n)
	stop() // what it has in hand goes back
	beside := q.healthy("beside", 30)
	q.work("p1")
	after := q.healthy("after", 30)
	q.allHeld(n)
	time.Sleep(2 * time.Second)
	held := q.healthy("held", 30)
	t.Logf("a healthy application's push, from stored to sent, the middle one and the slowest of 30: alone %v, while %d jobs of another one are refused and a worker ends %v, when it is back %v, while they wait %v",
		alone, n, beside, after, held)
}

// twoApps are a queue, and the applications "refused" and "well".
type twoApps struct {
	pushedPhone
	t     *testing.T
	srv   *natstest.Server
	js    jetstream.JetStream
	store *pushqueue.Store
	sent  chan push.Message // of the one that is well
}

func startTwoApps(t *testing.T) *twoApps {
	srv := natstest.Run(t, routing.User{Role: routing.RoleRouter, Label: "r1"}, routing.User{Role: routing.RolePush, Label: "p1"}, routing.User{Role: routing.RolePush, Label: "p2"})
	_, js := srv.JetStream("r1", routing.StreamOptions{})
	q := &twoApps{t: t, srv: srv, js: js, store: pushqueue.NewStore(js, nil), sent: make(chan push.Message, 1000)}
	t.Cleanup(q.store.Close)
	return q
}

// Record finds the user's application in the user's name.
func (q *twoApps) Record(_ context.Context, _, user, _ string) (push.Record, error) {
	app, _, _ := strings.Cut(user, "-")
	return push.Record{Platform: push.IOS, App: app, Token: user, Found: true}, nil
}

// Send is the provider of both.
func (q *twoApps) Send(_ context.Context, m push.Message) push.Result {
	if m.App == "refused" {
		return push.Result{Verdict: push.PauseApp, Reason: "InvalidProviderToken"}
	}
	q.sent <- m
	return push.Result{}
}

// work runs a push worker until the test's end or stop.
func (q *twoApps) work(name string) (stop func()) {
	js, err := jetstream.New(q.srv.Conn(routing.RolePush, name))
	if err != nil {
		q.t.Fatal(err)
	}
	worker, err := push.NewWorker(push.Config{
		Presence: q, Records: q, Heads: q, Events: q, Policy: func(string, string) push.Defaults { return push.Defaults{Title: "News"} },
		Apps: map[push.AppKey]push.Provider{
			{Tenant: "acme", Platform: push.IOS, App: "refused"}: q, {Tenant: "acme", Platform: push.IOS, App: "well"}: q,
		},
		Gather: 20 * time.Millisecond, GatherHigh: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		q.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = worker.Run(ctx) })
	running.Go(func() {
		_ = pushqueue.Consume(ctx, js, pushqueue.ConsumeConfig{Name: name}, func(d *pushqueue.Delivery) { worker.Handle(push.Job(d.Job), d) })
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	q.t.Cleanup(stop)
	return stop
}

// put stores a job, and again while NATS does not answer, as a router does with
// an event that it has not dealt with.
func (q *twoApps) put(user string, done func(error)) {
	job := pushqueue.Job{Tenant: "acme", User: user, Device: "d1", Kind: "messages", Version: 1, EventAt: time.Now(), Urgency: 2}
	left := 10
	var stored func(error)
	stored = func(err error) {
		if left--; left > 0 && errors.Is(err, context.DeadlineExceeded) {
			q.store.Put(job, stored)
			return
		}
		done(err)
	}
	q.store.Put(job, stored)
}

// refused stores jobs of the application that is refused.
func (q *twoApps) refused(n int) {
	q.t.Helper()
	places := make(chan struct{}, 500)
	var all sync.WaitGroup
	for i := range n {
		places <- struct{}{}
		all.Add(1)
		q.put(fmt.Sprintf("refused-%d", i), func(err error) {
			if err != nil {
				q.t.Error(err)
			}
			<-places
			all.Done()
		})
	}
	all.Wait()
}

// healthy pushes the other one's, one after the other, and returns how long
// that took in the middle, and at most.
func (q *twoApps) healthy(what string, n int) [2]time.Duration {
	q.t.Helper()
	var took []time.Duration
	for i := range n {
		began, stored := time.Now(), make(chan error, 1)
		q.put(fmt.Sprintf("well-%s-%d", what, i), func(err error) { stored <- err })
		if err := <-stored; err != nil {
			q.t.Fatal(err)
		}
		select {
		case <-q.sent:
		case <-time.After(time.Minute):
			q.t.Fatalf("push %d was not sent %s", i, what)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return [2]time.Duration{took[n/2], took[n-1]}
}

// allHeld waits until the refused jobs stand where they take no place, and
// nothing else does. A job whose worker did not answer for it in time comes again
// after 10 s, on a slow machine several times.
func (q *twoApps) allHeld(n int) {
	q.t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		s, err := q.js.Stream(q.t.Context(), routing.StreamPush)
		if err != nil {
			q.t.Fatal(err)
		}
		info, err := s.Info(q.t.Context(), jetstream.WithSubjectFilter(routing.PushLaterAll))
		if err != nil {
			q.t.Fatal(err)
		}
		c, err := s.Consumer(q.t.Context(), routing.ConsumerPush)
		if err != nil {
			q.t.Fatal(err)
		}
		open := c.CachedInfo().NumAckPending + int(c.CachedInfo().NumPending)
		if len(info.State.Subjects) == n && open == 0 {
			return
		}
		if time.Now().After(end) {
			q.t.Fatalf("%d of %d jobs are held, %d are open among those that are due", len(info.State.Subjects), n, open)
		}
	}
}
