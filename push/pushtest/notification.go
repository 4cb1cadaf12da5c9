package pushtest

import (
	"encoding/json"
	"maps"
	"time"
)

// Notification is one push that a simulator accepted.
type Notification struct {
	// Token is the device's.
	Token string
	// ID is the apns-id, or the message name that the FCM simulator gave.
	ID string
	// Collapse is the collapse id, empty if the push had none.
	Collapse string
	// Tag is what Android replaces a displayed notification by; empty at APNs,
	// where the collapse id does that too.
	Tag string
	// Title and Body are what the device shows, empty for a background push.
	Title, Body string
	// Background is true if the push shows nothing.
	Background bool
	// Priority is "10", "5" or "1" at APNs, "high" or "normal" at FCM.
	Priority string
	// PushType is the apns-push-type; empty at FCM.
	PushType string
	// App is the apns-topic, or the FCM project.
	App string
	// Expiration is the apns-expiration header, or FCM's ttl, as sent.
	Expiration string
	// Data holds the application's text values.
	Data map[string]string
	// Hawser is the value of the key "hawser" as JSON.
	Hawser json.RawMessage
	// Payload is the whole body as sent.
	Payload []byte
	// At is when it was accepted.
	At time.Time

	replaces string    // what a displayed one is replaced by; empty: nothing
	expires  time.Time // zero: not while a test runs
}

func (n Notification) clone() Notification {
	n.Data = maps.Clone(n.Data)
	n.Hawser = append(json.RawMessage(nil), n.Hawser...)
	n.Payload = append([]byte(nil), n.Payload...)
	return n
}

// request is what the log of requests says of a notification.
func (n Notification) request() Request {
	return Request{
		Token: n.Token, ID: n.ID, Collapse: n.Collapse, Hawser: n.Hawser,
		Title: n.Title, Body: n.Body, Background: n.Background,
	}
}
