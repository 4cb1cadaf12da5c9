package pushtest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// FCMLimits are how much a project and a device may take. What is 0 has no
// limit.
type FCMLimits struct {
	// ProjectPerMinute bounds all messages of the project, in a window of a
	// minute.
	ProjectPerMinute int
	// DevicePerMinute and DevicePerHour bound the messages to one device.
	DevicePerMinute, DevicePerHour int
	// Burst is how many messages with a collapse key a device gets at once, and
	// Refill the time until it may have one more. What comes sooner is taken and
	// waits, the newest of each key.
	Burst  int
	Refill time.Duration
	// RetryAfter goes out with a refusal over the project's quota, as a date
	// where RetryDate is set. 0: none.
	RetryAfter time.Duration
	RetryDate  bool
}

// quota counts messages against limits.
type quota struct {
	// Static after construction.
	limits FCMLimits

	// Guarded by mu.
	mu      sync.Mutex
	project window
	devices map[string]*deviceQuota
}

// window counts what came since its beginning.
type window struct {
	begun time.Time
	count int
}

// full counts one more, unless most of them came within the span already.
func (w *window) full(now time.Time, span time.Duration, most int) bool {
	if now.Sub(w.begun) >= span {
		*w = window{begun: now}
	}
	if most > 0 && w.count >= most {
		return true
	}
	w.count++
	return false
}

type deviceQuota struct{ minute, hour window }

func newQuota(l FCMLimits) *quota { return &quota{limits: l, devices: map[string]*deviceQuota{}} }

// check counts a message and returns the refusal if it is one too many.
func (q *quota) check(token string, now time.Time) Reply {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.project.full(now, time.Minute, q.limits.ProjectPerMinute) {
		r := QuotaExceeded("project", "Message rate exceeded for the project")
		r.RetryAfter, r.RetryDate = q.limits.RetryAfter, q.limits.RetryDate
		return r
	}
	if q.limits.DevicePerMinute == 0 && q.limits.DevicePerHour == 0 {
		return Reply{}
	}
	d := q.devices[token]
	if d == nil {
		if len(q.devices) >= maxPhones {
			return Reply{}
		}
		d = &deviceQuota{}
		q.devices[token] = d
	}
	if d.minute.full(now, time.Minute, q.limits.DevicePerMinute) || d.hour.full(now, time.Hour, q.limits.DevicePerHour) {
		return QuotaExceeded("device", "Device message rate exceeded")
	}
	return Reply{}
}

// QuotaExceeded is the refusal of a message that is one too many: 429
// QUOTA_EXCEEDED with the detail that says whose quota it was. Google names no
// fixed words for that: code under test should rely on none.
func QuotaExceeded(subject, description string) Reply {
	body, _ := json.Marshal(errorBody(http.StatusTooManyRequests, // text and numbers
		map[string]any{"@type": typeFcmError, "errorCode": "QUOTA_EXCEEDED"},
		map[string]any{
			"@type":      "type.googleapis.com/google.rpc.QuotaFailure",
			"violations": []map[string]string{{"subject": subject, "description": description}},
		}))
	return Reply{Status: http.StatusTooManyRequests, Reason: "QUOTA_EXCEEDED", Raw: string(body), ContentType: "application/json"}
}

// allowance paces the messages with a collapse key of one device: a bucket that
// fills slowly.
type allowance struct {
	used float64
	at   time.Time
}

// take reports whether one more may go to the device now.
func (a *allowance) take(now time.Time, l FCMLimits) bool {
	if l.Burst <= 0 || l.Refill <= 0 {
		return true
	}
	a.used = max(0, a.used-float64(now.Sub(a.at))/float64(l.Refill))
	a.at = now
	if a.used > float64(l.Burst)-1 {
		return false
	}
	a.used++
	return true
}
