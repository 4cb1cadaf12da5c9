package fcm

import (
	"time"

	"github.com/hawser-edge/hawser/push/devicelimit"
)

// Google's bounds, as its documentation has them.
const (
	projectPerMinute = 600_000
	devicePerMinute  = 240
	devicePerHour    = 5000
	// A device gets a burst of messages with a collapse key, then one every
	// three minutes. Messages that are not stored are not counted.
	collapsibleBurst = 20
	collapsibleEvery = 3 * time.Minute

	// The first two concern few devices, the third one many.
	busyDevices        = 1 << 14
	collapsibleDevices = 1 << 17
)

// reasonDevice words a message that waits so that its device gets no more than
// Google delivers.
const reasonDevice = "device rate"

// limits are those of the devices of a project: 5 MB at the most. Nil: none.
type limits struct{ minute, hour, collapsible *devicelimit.Limit }

func newLimits(cfg Config) *limits {
	if cfg.NoDeviceLimits {
		return nil
	}
	return &limits{
		minute:      devicelimit.New(devicelimit.PerMinute(devicePerMinute), busyDevices),
		hour:        devicelimit.New(devicelimit.PerHour(devicePerHour), busyDevices),
		collapsible: devicelimit.New(devicelimit.Rate{Burst: collapsibleBurst, Every: collapsibleEvery}, collapsibleDevices),
	}
}

// wait returns how long any message must wait, and how long one that counts as
// collapsible must; 0 if it may go.
func (l *limits) wait(token string, now time.Time) (each, throttled time.Duration) {
	if l == nil {
		return 0, 0
	}
	each = max(l.minute.Wait(token, now), l.hour.Wait(token, now))
	return each, max(each, l.collapsible.Wait(token, now))
}

// sent counts a message that Google took.
func (l *limits) sent(token string, throttled bool, now time.Time) {
	if l == nil {
		return
	}
	l.minute.Sent(token, now)
	l.hour.Sent(token, now)
	if throttled {
		l.collapsible.Sent(token, now)
	}
}

// PerSecond implements push.Limited: what Google takes of a project.
func (c *Client) PerSecond() float64 { return projectPerMinute / 60 }
