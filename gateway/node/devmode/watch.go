package devmode

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/push/pushtest"
)

const (
	// watchEvery is how often WatchPushes looks at the simulators.
	watchEvery = 100 * time.Millisecond
	// watchMost bounds the requests of one look.
	watchMost = 10_000
)

// Push is one request to a simulator that has ended, taken or not.
type Push struct {
	// Provider is "APNs" or "FCM".
	Provider string
	pushtest.Request
}

// WatchPushes calls show ten times a second with the pushes that ended at the
// simulators meanwhile, often none, until ctx ends.
func (e *Environment) WatchPushes(ctx context.Context, show func([]Push)) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	apns, fcm := watch{"APNs", e.APNs.RequestsAfter, 0, map[int64]bool{}}, watch{"FCM", e.FCM.RequestsAfter, 0, map[int64]bool{}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			show(append(apns.ended(), fcm.ended()...))
		}
	}
}

// watch follows the requests of one simulator, which end in any order.
type watch struct {
	provider string
	after    func(seq int64, limit int) []pushtest.Request
	from     int64          // all up to here were shown
	shown    map[int64]bool // of those above
}

func (w *watch) ended() (pushes []Push) {
	for i, r := range w.after(w.from, watchMost) {
		if i == 0 {
			w.from = r.Seq - 1 // what came before is shown, or forgotten
		}
		if !r.Ended.IsZero() && !w.shown[r.Seq] {
			w.shown[r.Seq] = true
			pushes = append(pushes, Push{w.provider, r})
		}
	}
	for w.shown[w.from+1] {
		w.from++
		delete(w.shown, w.from)
	}
	return pushes
}
