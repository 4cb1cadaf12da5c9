package apns

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// working starts a worker that sends through a simulator.
func working(t *testing.T) (*providertest.Worker, *pushtest.APNs) {
	t.Helper()
	app, sim := start(t)
	return providertest.NewWorker(t, push.IOS, topic, app, time.Second), sim
}

func TestWorkerDropsOnlyWhatWasRegisteredBefore(t *testing.T) {
	w, sim := working(t)
	now := time.Now().Truncate(time.Millisecond)
	w.Register("old", "aa01", now.Add(-time.Hour))
	w.Register("new", "aa02", now)
	sim.Unregister("aa01", now.Add(-time.Minute))
	sim.Unregister("aa02", now.Add(-time.Minute))
	w.Register("well", "aa03", now)
	w.Handle(t, "well", 1).Want(t, "done")
	w.Handle(t, "old", 1).Want(t, "retry") // to be confirmed
	w.Handle(t, "well", 2).Want(t, "done")
	w.Handle(t, "old", 1).Want(t, "done")
	w.Handle(t, "new", 1).Want(t, "retry")
	if w.Registered("old") || !w.Registered("new") {
		t.Errorf("old registered %v, new registered %v", w.Registered("old"), w.Registered("new"))
	}
	if got := w.Rejected(); len(got) != 1 || got[0] != "old Unregistered" {
		t.Errorf("events %v", got)
	}
}

func TestWorkerKeepsTokensThatLookBadTogether(t *testing.T) {
	w, sim := working(t)
	var all []providertest.Outcome
	for i := range 20 {
		device := fmt.Sprintf("d%d", i)
		w.Register(device, fmt.Sprintf("bb%02x", i), time.Now())
		sim.Answer(pushtest.Reply{Status: 400, Reason: "BadDeviceToken"})
		all = append(all, w.Handle(t, device, 1))
	}
	for _, o := range all {
		o.Want(t, "retry")
	}
	if w.Records() != 20 || len(w.Rejected()) != 0 || w.Dead() != 0 {
		t.Errorf("%d records, events %v, %d dead", w.Records(), w.Rejected(), w.Dead())
	}
}

func TestWorkerRepeatsUnderTheSameID(t *testing.T) {
	w, sim := working(t)
	w.Register("d", "cc01", time.Now())
	sim.BlackHole(true)
	w.Handle(t, "d", 1).Want(t, "retry")
	sim.BlackHole(false)
	w.Handle(t, "d", 1).Want(t, "done")
	r := sim.Requests()
	if len(r) != 2 || r[0].ID != r[1].ID {
		t.Errorf("requests %+v", r)
	}
	if shown := sim.Shown("cc01"); len(shown) != 1 || shown[0].Title != "New message" || shown[0].Collapse != "messages" {
		t.Errorf("the device shows %+v", shown)
	}
}
