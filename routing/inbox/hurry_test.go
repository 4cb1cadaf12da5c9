package inbox

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A device that names a deadline of a millisecond, again and again, does not
// have the reads of all others held up: the log is not slow.
func TestHurriedCallersAreNoSignOfASlowLog(t *testing.T) {
	if places := placesAfterHurry(t, 20*time.Millisecond); places < firstPlaces {
		t.Errorf("%d places left, want %d", places, firstPlaces)
	}
	if places := placesAfterHurry(t, time.Second); places != leastPlaces {
		t.Errorf("%d places where the log is slow, want %d", places, leastPlaces)
	}
}

// placesAfterHurry has callers that give up after a millisecond ask a log that
// answers after took.
func placesAfterHurry(t *testing.T, took time.Duration) (places int) {
	synctest.Test(t, func(t *testing.T) {
		var late uint64
		g := newGate(4096, func() uint64 { return late })
		r := &Reader{attempt: time.Second, gate: g}
		r.metrics = newMetrics(prometheus.NewRegistry(), r)
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_ = r.asking().retry(ctx, func(ctx context.Context) error {
				select {
				case <-time.After(took):
					return nil
				case <-ctx.Done():
					late++ // the answer comes all the same
					return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
				}
			})
			cancel()
			time.Sleep(lostAfter)
		}
		places, _ = g.state()
	})
	return places
}
