package push

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Message is one push, ready for its provider.
type Message struct {
	// App and Token address the device. The token is never logged.
	App, Token string
	// ID is the same for every attempt at this version.
	ID uuid.UUID
	// Collapse lets a newer message replace an older one, at most 64 bytes.
	Collapse string
	Content  Content
	Hawser   Hawser
	// Urgency is Low, Normal or High.
	Urgency int
	// Expiry is when the provider may give up. Zero: one try, not stored.
	Expiry time.Time
}

// Format keeps the token and the content out of whatever prints a message.
func (m Message) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "message {app %q, id %s, urgency %d}", m.App, m.ID, m.Urgency)
}

// LogValue implements slog.LogValuer.
func (m Message) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(m)) }

// MarshalText implements encoding.TextMarshaler, which JSON uses.
func (m Message) MarshalText() ([]byte, error) { return fmt.Append(nil, m), nil }

// Hawser is the part of every push that tells the application what to fetch
// and what to drop because it has it already. APNs carries it beside "aps",
// FCM as the JSON text of the data key "hawser".
type Hawser struct {
	V    int    `json:"v"`
	User string `json:"user"`
	Kind string `json:"kind"`
	// Version is decimal text: JSON numbers are doubles in many languages.
	Version string `json:"version"`
}

// HawserKey is the payload key of Hawser.
const HawserKey = "hawser"

// idSpace is the UUID namespace of message ids. It never changes: another one
// would make repeats across versions of this program look new.
const idSpace = "1d2c7a52-9f0e-5c0b-8a43-6f1f3c1f6f0a"

func newMessage(job Job, rec Record, version int64, c Content, expiry time.Time) Message {
	return Message{
		App:      rec.App,
		Token:    rec.Token,
		ID:       messageID(job, rec.App, version),
		Collapse: c.Class,
		Content:  c,
		Hawser:   Hawser{V: 1, User: job.User, Kind: job.Kind, Version: strconv.FormatInt(version, 10)},
		Urgency:  job.Urgency,
		Expiry:   expiry,
	}
}

// messageID derives the id from what the message says, so that any replica
// and any later attempt uses the same one.
func messageID(job Job, app string, version int64) uuid.UUID {
	name := strings.Join([]string{app, job.Tenant, job.User, job.Device, job.Kind, strconv.FormatInt(version, 10)}, "\x00")
	return uuid.NewSHA1(uuid.MustParse(idSpace), []byte(name))
}
