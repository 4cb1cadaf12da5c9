package apns

import (
	"encoding/json"
	"time"

	"github.com/sideshow/apns2"

	"github.com/hawser-edge/hawser/push"
)

const (
	maxPayload = 4096
	// apsKey holds what iOS itself reads.
	apsKey = "aps"
)

// notification words the request. ok is false if it cannot be made to fit.
func (a *App) notification(m push.Message) (n *apns2.Notification, ok bool) {
	var body []byte // of the content that fits, which is asked about last
	c, ok := m.Content.Shorten(func(c push.Content) bool {
		body = payload(c, m.Hawser)
		return len(body) <= maxPayload
	})
	if !ok {
		return nil, false
	}
	n = &apns2.Notification{
		ApnsID:      m.ID.String(),
		CollapseID:  m.Collapse,
		DeviceToken: m.Token,
		Topic:       a.topic,
		Expiration:  expiration(m.Expiry),
		Priority:    priority(m),
		PushType:    apns2.PushTypeAlert,
		Payload:     body,
	}
	if n.Topic == "" {
		n.Topic = m.App
	}
	if c.Background {
		n.PushType = apns2.PushTypeBackground
	}
	return n, true
}

// priority: 10 wakes the screen at once, 5 may wait for the device; Apple
// refuses 10 for background pushes.
func priority(m push.Message) int {
	if m.Content.Background || m.Urgency == push.Low {
		return apns2.PriorityLow
	}
	return apns2.PriorityHigh
}

// expiration avoids the zero time: the library leaves that header out, and
// Apple then stores the message for as long as it likes. One nanosecond past
// 1970 is sent as 0: one try.
func expiration(t time.Time) time.Time {
	if t.Unix() <= 0 {
		return time.Unix(0, 1)
	}
	return t
}

// alert is what iOS shows.
type alert struct {
	Title string `json:"title,omitempty"`
	Body  string `json:"body,omitempty"`
}

// aps is Apple's part of the payload.
type aps struct {
	Alert *alert `json:"alert,omitempty"`
	Badge *int   `json:"badge,omitempty"`
	Sound string `json:"sound,omitempty"`
	// ContentAvailable wakes the application.
	ContentAvailable int `json:"content-available,omitempty"`
	// MutableContent lets the application's extension fetch before it shows.
	MutableContent int `json:"mutable-content,omitempty"`
}

// payload returns the body. Keys come sorted: the same message is the same
// bytes.
func payload(c push.Content, h push.Hawser) []byte {
	all := make(map[string]any, len(c.Data)+2)
	for k, v := range c.Data {
		all[k] = v
	}
	all[apsKey] = apsOf(c)
	all[push.HawserKey] = h
	b, _ := json.Marshal(all) // text and numbers: it cannot fail
	return b
}

func apsOf(c push.Content) aps {
	if c.Background {
		return aps{ContentAvailable: 1}
	}
	a := aps{Badge: c.Badge, Sound: c.Sound}
	if c.Shows() {
		a.Alert = &alert{c.Title, c.Body}
		if c.Mutable == nil || *c.Mutable {
			a.MutableContent = 1
		}
	}
	return a
}
