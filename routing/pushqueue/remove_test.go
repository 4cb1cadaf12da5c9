package pushqueue_test

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/pushqueue"
)

func TestRemoveOfWhatIsHeard(t *testing.T) {
	e := start(t)
	for name, held := range map[string]bool{"due": false, "held": true} {
		t.Run(name, func(t *testing.T) {
			j := job(5)
			if held {
				j.NotBefore, j.Hold = time.Now().Add(time.Hour), pushqueue.HoldWindow
			}
			e.put(j)
			for _, step := range []struct {
				version int64
				left    int
			}{{4, 1}, {5, 0}, {5, 0}} {
				if err := e.store.Remove(t.Context(), j.Tenant, j.User, j.Device, j.Kind, step.version); err != nil {
					t.Fatal(err)
				}
				if n := len(e.stored()); n != step.left {
					t.Errorf("%d jobs are left after %d was heard, want %d", n, step.version, step.left)
				}
			}
		})
	}
}

// A job that is removed while others are under way leaves these alone: they come
// again, whichever of them is done with first.
func TestRemoveLeavesOthers(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	taken := map[string]*pushqueue.Delivery{}
	for _, device := range []string{"d1", "d2", "d3"} {
		j := job(5)
		j.Device = device
		e.put(j)
		d := w.next()
		taken[d.Job.Device] = d
	}
	j := taken["d2"].Job
	if err := e.store.Remove(t.Context(), j.Tenant, j.User, j.Device, j.Kind, j.Version); err != nil {
		t.Fatal(err)
	}
	taken["d3"].Done()
	for len(e.stored()) > 1 {
		time.Sleep(time.Millisecond)
	}
	taken["d1"].Retry(100 * time.Millisecond)
	if d := w.next(); d.Job.Device != "d1" {
		t.Errorf("the job of %s came again, want that of d1", d.Job.Device)
	}
}
