package router

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

// backLog is a log that is read again.
type backLog []routing.Event

func (l backLog) walk(_ context.Context, since time.Time, visit func(routing.Event) bool) error {
	for _, e := range l {
		if !e.Time.Before(since) && !visit(e) {
			return nil
		}
	}
	return nil
}

func (l *backLog) store(tenant, user string) {
	seq := uint64(len(*l) + 1)
	*l = append(*l, routing.Event{Tenant: tenant, User: user, Kind: "messages", Version: int64(seq), Sequence: seq, Time: time.Now()})
	time.Sleep(time.Microsecond)
}

// room is a loop that sees to events again, and has no room for one tenant before
// a time, and for few of its events at once afterwards.
type room struct {
	from   time.Time
	atOnce int

	mu sync.Mutex
	// Guarded by mu.
	left  int
	taken map[string]int
}

func (o *room) serve(r *Router, ended chan struct{}) {
	for {
		select {
		case t := <-r.again:
			t.refused <- o.take(t)
		case <-ended:
			return
		}
	}
}

func (o *room) take(t againTask) map[string]place {
	o.mu.Lock()
	defer o.mu.Unlock()
	refused := map[string]place{}
	for _, n := range t.events {
		if n.tenant() == "full" {
			if _, is := refused["full"]; is || time.Now().Before(o.from) || o.left == 0 {
				if !is {
					refused["full"] = n.first
				}
				continue
			}
			o.left--
		}
		o.taken[n.messages()[0].User]++
	}
	return refused
}

func (o *room) has(user string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.taken[user]
}

// A tenant that has no room, with more than is gathered, keeps nobody waiting,
// and is seen to as far as it has room.
func TestAgainWhileATenantIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Router{cfg: Config{Log: discard(), Catalog: catalog(t)}, again: make(chan againTask), lookBacks: make(chan time.Time, 1), leaving: make(chan struct{})}
		began := time.Now()
		var log backLog
		for i := range maxGathered + 1 {
			log.store("full", "f"+strconv.Itoa(i))
		}
		log.store("acme", "u1")

		o := &room{from: time.Now().Add(time.Minute), atOnce: 10_000, left: 10_000, taken: map[string]int{}}
		ended := make(chan struct{})
		go o.serve(r, ended)
		go func() {
			defer close(ended)
			r.lookBackTo(t.Context(), began, func(ctx context.Context, since time.Time, visit func(routing.Event) bool) error {
				o.mu.Lock()
				now := log
				o.mu.Unlock()
				return now.walk(ctx, since, visit)
			})
		}()
		time.Sleep(30 * time.Second)
		if o.has("u1") != 1 || o.has("f0") != 0 {
			t.Fatalf("seen to: %d of one tenant, %d of the one that is full", o.has("u1"), o.has("f0"))
		}
		o.mu.Lock()
		log.store("full", "later") // is delivered as ever
		o.mu.Unlock()
		for range 4 {
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			o.mu.Lock()
			o.left = o.atOnce
			o.mu.Unlock()
		}
		<-ended
		for i := range maxGathered + 1 {
			if n := o.has("f" + strconv.Itoa(i)); n != 1 {
				t.Fatalf("event %d was seen to %d times", i, n)
			}
		}
		if o.has("u1") != 1 || o.has("later") != 0 {
			t.Error("seen to again without need")
		}
	})
}

// What is gathered is bounded by its size too.
func TestGatheredIsBounded(t *testing.T) {
	r := &Router{cfg: Config{Catalog: catalog(t)}}
	g := newGathered()
	for i := 0; !g.full(); i++ {
		e := routing.Event{Tenant: tenant, User: strconv.Itoa(i), Kind: "messages", Push: make([]byte, 3500)}
		g.add(e, r.message(e))
	}
	if n := len(g.kinds); n*3500 > maxGatheredBytes+3500 {
		t.Errorf("%d large events", n)
	}
}
