package devmode

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/push/pushtest"
)

// watchEvery is how often WatchPushes looks at the simulators.
const watchEvery = 100 * time.Millisecond

// WatchPushes calls show for each push that a simulator accepts, in the order
// of each, until ctx ends. provider is "APNs" or "FCM".
func (e *Environment) WatchPushes(ctx context.Context, show func(provider string, n pushtest.Notification)) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var apns, fcm int
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, n := range e.APNs.Received()[apns:] {
			show("APNs", n)
			apns++
		}
		for _, n := range e.FCM.Received()[fcm:] {
			show("FCM", n)
			fcm++
		}
	}
}
