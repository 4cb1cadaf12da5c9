package pushqueue_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// A worker that hears another one but is not heard by it never learns who has a
// device, while the other one works on: what it holds for others goes back to the
// queue. It says that it is not ready.
func TestUndecidedJobsGoBack(t *testing.T) {
	s := startShared(t, "p1", "p2", "p3")
	said := make(chan bool, 100)
	s.join("p1", "", pushqueue.ConsumeConfig{Ready: func(ok bool) { said <- ok }})
	s.join("p2", "", pushqueue.ConsumeConfig{MaxOpen: 4})
	s.workers(2, "p1", "p2")
	const users = 24
	for u := range users {
		s.put(jobOf(fmt.Sprintf("u%d", u), 1))
	}
	var held []given
	for s.gauge("p1", "hawser_pushqueue_open") == 0 || len(held) == 0 || len(s.jobs) > 0 {
		if g := s.next(); g.to == "p1" {
			g.Done() // what p1 has from now on is for p2, which is full
		} else {
			held = append(held, g)
		}
		time.Sleep(100 * time.Millisecond)
	}

	deaf := s.srv.Conn(routing.RolePush, "p3")
	beat, err := proto.Marshal(&linkpb.PushBeat{Incarnation: 1, TakesPart: true})
	if err != nil {
		t.Fatal(err)
	}
	say := time.NewTicker(200 * time.Millisecond)
	defer say.Stop()
	ready := true
	for end := time.After(time.Minute); ready || s.gauge("p1", "hawser_pushqueue_open") > 0; {
		select {
		case <-say.C:
			if err := deaf.Publish(routing.PushBeatSubject("p3"), beat); err != nil {
				t.Fatal(err)
			}
		case ready = <-said:
		case <-end:
			t.Fatalf("p1 still holds %v jobs, ready %v", s.gauge("p1", "hawser_pushqueue_open"), ready)
		}
	}
	for _, g := range held {
		g.Done()
	}
	for len(s.stored()) > 0 { // p3 is silent: everything is handed out again
		select {
		case g := <-s.jobs:
			g.Done()
		case <-time.After(50 * time.Millisecond):
		case <-s.ctx.Done():
			t.Fatalf("%d jobs are left", len(s.stored()))
		}
	}
}
