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
