package fcm

import (
	"encoding/json"
	"strings"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/hawser-edge/hawser/push"
)

const (
	// maxPayload is Google's limit on data and notification together.
	maxPayload = 4096
	maxTTL     = 28 * 24 * time.Hour
)

// compose words a message. ok is false if it cannot be made to fit.
func compose(m push.Message, now time.Time) (msg *messaging.Message, ok bool) {
	hawser, _ := json.Marshal(m.Hawser) // text: it cannot fail
	c, ok := m.Content.Shorten(func(c push.Content) bool { return size(c, hawser) <= maxPayload })
	if !ok {
		return nil, false
	}
	ttl, shows := timeToLive(m.Expiry, now), c.Shows()
	msg = &messaging.Message{
		Token: m.Token,
		Data:  data(c, hawser),
		Android: &messaging.AndroidConfig{
			CollapseKey: m.Collapse,
			Priority:    priority(m.Urgency, shows),
			TTL:         &ttl,
		},
	}
	if shows {
		msg.Notification = &messaging.Notification{Title: c.Title, Body: c.Body}
		// The collapse key replaces what waits at Google, the tag what the
		// device shows.
		msg.Android.Notification = &messaging.AndroidNotification{
			Sound: c.Sound, Tag: m.Collapse, NotificationCount: c.Badge, ChannelID: c.Channel,
		}
	}
	return msg, true
}

// priority: high without something to show is held against the application. A badge
// or a sound alone is nothing to show on Android.
func priority(urgency int, shows bool) string {
	if !shows || urgency == push.Low {
		return "normal"
	}
	return "high"
}

// timeToLive is 0 for a message of which only one try is wanted.
func timeToLive(expiry, now time.Time) time.Duration {
	if expiry.IsZero() {
		return 0
	}
	// Whole seconds, so that the request reads well in a log.
	return max(0, min(expiry.Sub(now), maxTTL)).Truncate(time.Second)
}

func data(c push.Content, hawser []byte) map[string]string {
	out := make(map[string]string, len(c.Data)+1)
	for k, v := range c.Data {
		if !reserved(k) {
			out[k] = v
		}
	}
	out[push.HawserKey] = string(hawser)
	return out
}

// reserved reports whether Google refuses the whole message for this key.
func reserved(key string) bool {
	return key == "from" || key == "message_type" || strings.HasPrefix(key, "google") || strings.HasPrefix(key, "gcm")
}

// size is what Google counts, and a little more.
func size(c push.Content, hawser []byte) int {
	n := len(push.HawserKey) + len(hawser) + len(c.Title) + len(c.Body)
	for k, v := range c.Data {
		n += len(k) + len(v)
	}
	return n
}
