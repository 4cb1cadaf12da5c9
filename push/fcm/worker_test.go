package fcm

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestWorkerDropsOnUnregisteredOnly(t *testing.T) {
	client, sim := start(t)
	w := providertest.NewWorker(t, push.Android, "org.example.chat", client, 0)
	w.Register("d", device, time.Now().Add(-time.Hour))
	w.Register("well", "well", time.Now())
	for _, step := range []struct {
		reply  pushtest.Reply
		want   string
		events int
		found  bool
	}{
		{pushtest.HTML404(), "retry", 0, true},
		{pushtest.Reply{Status: 404}, "retry", 0, true},
		{pushtest.BadRequest("ttl"), "dead http 400", 0, true},
		{pushtest.Reply{Status: 200}, "done", 0, true},
		{pushtest.Reply{Status: 404, Reason: "UNREGISTERED"}, "retry", 0, true},
		{pushtest.Reply{Status: 404, Reason: "UNREGISTERED"}, "done", 1, false},
	} {
		w.Handle(t, "well", int64(len(sim.Requests())+1)).Want(t, "done")
		sim.Answer(step.reply)
		w.Handle(t, "d", int64(len(sim.Requests())+1)).Want(t, step.want)
		if len(w.Rejected()) != step.events || w.Registered("d") != step.found {
			t.Errorf("%d %s: told of %v, registered %v", step.reply.Status, step.reply.Reason, w.Rejected(), w.Registered("d"))
		}
	}
}
