package pushqueue_test

import (
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
	for name, lost := range map[string]bool{"the end is lost": true, "nothing is lost": false} {
		t.Run(name, func(t *testing.T) {
			e := start(t)
			w := e.consume(pushqueue.ConsumeConfig{})
			e.put(job(5))
			before := w.next()
			if lost {
				operator, err := jetstream.New(e.srv.Conn(routing.RoleOperator, "operator"))
				if err != nil {
					t.Fatal(err)
				}
				if err := operator.DeleteStream(e.ctx, routing.StreamPush); err != nil {
					t.Fatal(err)
				}
			}
			reconnects := e.push.Conn().Stats().Reconnects
			e.srv.Restart(nil)
			for e.push.Conn().Stats().Reconnects == reconnects || !e.push.Conn().IsConnected() {
				time.Sleep(time.Millisecond)
			}
			if !lost {
				before.Done()
				e.empty()
				return
			}
			e.srv.JetStream("r1", routing.StreamOptions{})
			other := job(6)
			other.Device = "d2"
			e.put(other)
			after := w.next()
			before.Done()
			time.Sleep(200 * time.Millisecond)
			if jobs := e.stored(); len(jobs) != 1 || jobs[0].Device != other.Device {
				t.Fatalf("the jobs are %+v, want that of %s", jobs, other.Device)
			}
			after.Done()
			e.empty()
		})
	}
}
