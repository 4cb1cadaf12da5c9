package pushtest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

const (
	fcmMaxPayload = 4096
	fcmMaxTTL     = 28 * 24 * time.Hour
)

// fcmMessage is the part of a message that the simulator understands; what it
// does not know it refuses, as Google does.
type fcmMessage struct {
	Token        string            `json:"token"`
	Data         map[string]string `json:"data"`
	Notification *struct {
		Title string `json:"title"`
		Body  string `json:"body"`
		Image string `json:"image"`
	} `json:"notification"`
	Android struct {
		CollapseKey  string `json:"collapse_key"`
		Priority     string `json:"priority"`
		TTL          string `json:"ttl"`
		Package      string `json:"restricted_package_name"`
		Notification *struct {
			Title   string `json:"title"`
			Body    string `json:"body"`
			Sound   string `json:"sound"`
			Tag     string `json:"tag"`
			Count   *int   `json:"notification_count"`
			Channel string `json:"channel_id"`
		} `json:"notification"`
	} `json:"android"`
}

// parseFCM returns the message, whether it is only to be validated, and what
// is wrong with it, if anything.
func parseFCM(body []byte) (m fcmMessage, dry bool, problem string) {
	var req struct {
		ValidateOnly bool       `json:"validate_only"`
		Message      fcmMessage `json:"message"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return fcmMessage{}, false, "malformed: " + err.Error()
	}
	return req.Message, req.ValidateOnly, req.Message.problem()
}

var fcmTTL = regexp.MustCompile(`^[0-9]+(\.[0-9]{1,9})?s$`)

func (m fcmMessage) problem() string {
	for k := range m.Data {
		if k == "from" || k == "message_type" || strings.HasPrefix(k, "google") || strings.HasPrefix(k, "gcm") {
			return "reserved data key " + k
		}
	}
	p := m.Android.Priority
	switch {
	case m.Token == "":
		return "no recipient"
	case p != "" && p != "high" && p != "normal" && p != "HIGH" && p != "NORMAL":
		return "priority"
	case m.Android.TTL != "" && !fcmTTL.MatchString(m.Android.TTL), tooLong(m.Android.TTL):
		return "ttl"
	case m.size() > fcmMaxPayload:
		return "message too big"
	}
	return ""
}

func tooLong(ttl string) bool {
	d, ok := seconds(ttl)
	return ok && d > fcmMaxTTL
}

func (m fcmMessage) size() int {
	n := 0
	for k, v := range m.Data {
		n += len(k) + len(v)
	}
	if m.Notification != nil {
		n += len(m.Notification.Title) + len(m.Notification.Body)
	}
	if m.Android.Notification != nil {
		n += len(m.Android.Notification.Title) + len(m.Android.Notification.Body)
	}
	return n
}

func (m fcmMessage) notification(name, project string, body []byte) Notification {
	n := Notification{
		Token: m.Token, ID: name, Collapse: m.Android.CollapseKey, App: project,
		Background: m.Notification == nil && m.Android.Notification == nil,
		Priority:   strings.ToLower(m.Android.Priority), Expiration: m.Android.TTL,
		Data: map[string]string{}, Payload: body, At: time.Now(),
	}
	if m.Notification != nil {
		n.Title, n.Body = m.Notification.Title, m.Notification.Body
	}
	if a := m.Android.Notification; a != nil {
		n.Tag, n.replaces = a.Tag, a.Tag
		if a.Title+a.Body != "" {
			n.Title, n.Body = a.Title, a.Body
		}
	}
	if d, ok := seconds(n.Expiration); ok {
		n.expires = n.At.Add(d)
	}
	for k, v := range m.Data {
		if k == "hawser" {
			n.Hawser = jsonOrNil(v)
			continue
		}
		n.Data[k] = v
	}
	return n
}

// jsonOrNil keeps text that is no JSON out of what is written as JSON.
func jsonOrNil(text string) json.RawMessage {
	if !json.Valid([]byte(text)) {
		return nil
	}
	return json.RawMessage(text)
}
