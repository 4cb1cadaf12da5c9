package fcm

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// system stands for the device records and the routers: one device.
type system struct {
	mu     sync.Mutex
	record push.Record
	events int
}

func (s *system) Check(context.Context, push.Target) (push.PresenceState, error) {
	return push.Away, nil
}

func (s *system) Head(context.Context, string, string, string) (int64, []byte, error) {
	return 0, nil, nil
}

func (s *system) Record(context.Context, string, string, string) (push.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record, nil
}

func (s *system) DropToken(context.Context, string, string, string, string, time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = push.Record{}
	return true, nil
}

func (s *system) TokenRejected(context.Context, string, string, string, string, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events++
	return nil
}

func (s *system) PushDead(context.Context, string, string, string, string, int64, string) error {
	return nil
}

// outcome is a delivery that can be waited for.
type outcome chan string

func (o outcome) Done()               { o <- "done" }
func (o outcome) Retry(time.Duration) { o <- "retry" }
func (o outcome) Dead(reason string)  { o <- "dead " + reason }

func TestWorkerDropsOnUnregisteredOnly(t *testing.T) {
	client, sim := start(t)
	s := &system{record: push.Record{
		Platform: push.Android, App: "org.example.chat", Token: device,
		RegisteredAt: time.Now().Add(-time.Hour), Found: true,
	}}
	w, err := push.NewWorker(push.Config{
		Presence: s, Records: s, Heads: s, Events: s,
		Policy: func(string, string) push.Defaults { return push.Defaults{Title: "New message"} },
		Apps:   map[push.AppKey]push.Provider{{Tenant: "acme", Platform: push.Android, App: "org.example.chat"}: client},
		Gather: time.Millisecond, GatherHigh: time.Millisecond, Log: quiet(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	for _, step := range []struct {
		reply  pushtest.Reply
		want   string
		events int
		found  bool
	}{
		{pushtest.HTML404(), "retry", 0, true},
		{pushtest.Reply{Status: 404}, "retry", 0, true},
		{pushtest.Reply{Status: 400, Reason: "INVALID_ARGUMENT"}, "dead INVALID_ARGUMENT", 0, true},
		{pushtest.Reply{Status: 200}, "done", 0, true},
		{pushtest.Reply{Status: 404, Reason: "UNREGISTERED"}, "done", 1, false},
	} {
		sim.Answer(step.reply)
		o := make(outcome, 2)
		version := int64(len(sim.Requests()) + 1)
		w.Handle(t.Context(), push.Job{Tenant: "acme", User: "u1", Device: "d", Kind: "messages", Version: version, EventAt: time.Now()}, o)
		select {
		case got := <-o:
			if got != step.want {
				t.Errorf("%d %s: %q, want %q", step.reply.Status, step.reply.Reason, got, step.want)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("not settled")
		}
		s.mu.Lock()
		if s.events != step.events || s.record.Found != step.found {
			t.Errorf("%d %s: %d events, record found %v", step.reply.Status, step.reply.Reason, s.events, s.record.Found)
		}
		s.mu.Unlock()
	}
}
