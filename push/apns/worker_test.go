package apns

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// system stands for the device records and the routers.
type system struct {
	mu      sync.Mutex
	records map[string]push.Record // by device
	events  []string
	dead    int
}

func (s *system) Check(context.Context, push.Target) (push.PresenceState, error) {
	return push.Away, nil
}

func (s *system) Head(context.Context, string, string, string) (int64, []byte, error) {
	return 0, nil, nil
}

func (s *system) Record(_ context.Context, _, _, device string) (push.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[device], nil
}

func (s *system) DropToken(_ context.Context, _, _, device, token string, notAfter time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[device]
	if r.Token != token || r.RegisteredAt.After(notAfter) {
		return false, nil
	}
	delete(s.records, device)
	return true, nil
}

func (s *system) TokenRejected(_ context.Context, _, _, device, _, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, device+" "+reason)
	return nil
}

func (s *system) PushDead(context.Context, string, string, string, string, int64, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead++
	return nil
}

func (s *system) register(device, token string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[device] = push.Record{Platform: push.IOS, App: topic, Token: token, RegisteredAt: at, Found: true}
}

func (s *system) registered(device string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[device].Found
}

// outcome is a delivery that can be waited for.
type outcome chan string

func (o outcome) Done()               { o <- "done" }
func (o outcome) Retry(time.Duration) { o <- "retry" }
func (o outcome) Dead(reason string)  { o <- "dead " + reason }

// working starts a worker that sends through a simulator.
func working(t *testing.T) (*push.Worker, *system, *pushtest.APNs) {
	t.Helper()
	app, sim := start(t)
	s := &system{records: map[string]push.Record{}}
	w, err := push.NewWorker(push.Config{
		Presence: s, Records: s, Heads: s, Events: s,
		Policy: func(string, string) push.Defaults { return push.Defaults{Title: "New message"} },
		Apps:   map[push.AppKey]push.Provider{{Tenant: "acme", Platform: push.IOS, App: topic}: app},
		Gather: time.Millisecond, GatherHigh: time.Millisecond, SendTimeout: time.Second,
		Log: quiet(),
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
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return w, s, sim
}

func handle(t *testing.T, w *push.Worker, device string, version int64) outcome {
	t.Helper()
	o := make(outcome, 2)
	w.Handle(t.Context(), push.Job{
		Tenant: "acme", User: "u1", Device: device, Kind: "messages",
		Version: version, EventAt: time.Now(), Urgency: push.Normal,
	}, o)
	return o
}

func want(t *testing.T, o outcome, how string) {
	t.Helper()
	select {
	case got := <-o:
		if got != how {
			t.Errorf("got %q, want %q", got, how)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("not settled, want %q", how)
	}
}

func TestWorkerDropsOnlyWhatWasRegisteredBefore(t *testing.T) {
	w, s, sim := working(t)
	now := time.Now().Truncate(time.Millisecond)
	s.register("old", "aa01", now.Add(-time.Hour))
	s.register("new", "aa02", now)
	sim.Unregister("aa01", now.Add(-time.Minute))
	sim.Unregister("aa02", now.Add(-time.Minute))
	want(t, handle(t, w, "old", 1), "done")
	want(t, handle(t, w, "new", 1), "retry")
	if s.registered("old") || !s.registered("new") {
		t.Errorf("old registered %v, new registered %v", s.registered("old"), s.registered("new"))
	}
	if len(s.events) != 1 || s.events[0] != "old Unregistered" {
		t.Errorf("events %v", s.events)
	}
}

func TestWorkerKeepsTokensThatLookBadTogether(t *testing.T) {
	w, s, sim := working(t)
	var all []outcome
	for i := range 20 {
		device := fmt.Sprintf("d%d", i)
		s.register(device, fmt.Sprintf("bb%02x", i), time.Now())
		sim.Answer(pushtest.Reply{Status: 400, Reason: "BadDeviceToken"})
		all = append(all, handle(t, w, device, 1))
	}
	for _, o := range all {
		want(t, o, "dead BadDeviceToken")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) != 20 || len(s.events) != 0 || s.dead != 20 {
		t.Errorf("%d records, events %v, %d dead", len(s.records), s.events, s.dead)
	}
}

func TestWorkerRepeatsUnderTheSameID(t *testing.T) {
	w, s, sim := working(t)
	s.register("d", "cc01", time.Now())
	sim.BlackHole(true)
	want(t, handle(t, w, "d", 1), "retry")
	sim.BlackHole(false)
	want(t, handle(t, w, "d", 1), "done")
	r := sim.Requests()
	if len(r) != 2 || r[0].ID != r[1].ID {
		t.Errorf("requests %+v", r)
	}
	if shown := sim.Shown("cc01"); len(shown) != 1 || shown[0].Title != "New message" || shown[0].Collapse != "messages" {
		t.Errorf("the device shows %+v", shown)
	}
}
