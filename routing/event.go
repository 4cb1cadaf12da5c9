package routing

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// ErrEvent is the root of errors about a message in the inbox log that
// hawser's publisher did not write.
var ErrEvent = errors.New("not an event of hawser")

// Event is one message of the inbox log.
type Event struct {
	Tenant, User, Kind string
	// ID is the idempotency key, the backend's or one made for it.
	ID string
	// Version is the event's version. When an event is built it is set only
	// where the backend numbers the kind.
	Version int64
	// Backend: the version came with the event and is not the sequence.
	Backend bool
	// Urgency as published; unset: the kind's default.
	Urgency Urgency
	// Push is the push content, a hawser.v1.Push as JSON, or nil.
	Push []byte
	// Item is what devices fetch by sync; may be empty.
	Item []byte

	// Set by parsing only.

	// Sequence is the message's place in the log.
	Sequence uint64
	// Time of storing.
	Time time.Time
}

// MsgID is the message id under which the log deduplicates. JetStream
// compares ids over the whole stream, hence the names in it.
func MsgID(tenant, user, kind, id string) string {
	return tenant + "." + user + "." + kind + "." + id
}

// Message builds the message to publish.
func (e *Event) Message() *nats.Msg {
	m := &nats.Msg{
		Subject: InboxSubject(e.Tenant, e.User, e.Kind),
		Header:  nats.Header{HeaderMsgID: {MsgID(e.Tenant, e.User, e.Kind, e.ID)}},
		Data:    e.Item,
	}
	if e.Backend {
		m.Header[HeaderVersion] = []string{strconv.FormatInt(e.Version, 10)}
	}
	if e.Urgency != UrgencyUnset {
		m.Header[HeaderUrgency] = []string{strconv.Itoa(int(e.Urgency))}
	}
	if len(e.Push) > 0 {
		m.Header[HeaderPush] = []string{string(e.Push)}
	}
	return m
}

// ParseEvent parses a stored message strictly: only the publisher writes
// inbox subjects, so anything else is refused with ErrEvent. Item and Push
// are not copied.
func ParseEvent(subject string, h nats.Header, item []byte, seq uint64, at time.Time) (Event, error) {
	e := Event{Item: item, Sequence: seq, Time: at}
	var err error
	if e.Tenant, e.User, e.Kind, err = ParseInbox(subject); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	id, ok := strings.CutPrefix(first(h, HeaderMsgID), MsgID(e.Tenant, e.User, e.Kind, ""))
	if !ok || id == "" {
		return Event{}, fmt.Errorf("%w: message %d of %s was not written by the publisher: its %s does not name its user and kind",
			ErrEvent, seq, subject, HeaderMsgID)
	}
	e.ID = id
	if e.Version, e.Backend, err = version(h, seq); err != nil {
		return Event{}, fmt.Errorf("%w: message %d of %s: %w", ErrEvent, seq, subject, err)
	}
	if e.Urgency, err = ParseUrgency(first(h, HeaderUrgency)); err != nil {
		return Event{}, fmt.Errorf("%w: message %d of %s: %w", ErrEvent, seq, subject, err)
	}
	if p := first(h, HeaderPush); p != "" {
		e.Push = []byte(p)
	}
	return e, nil
}

func version(h nats.Header, seq uint64) (v int64, backend bool, err error) {
	v = int64(seq)
	if s := first(h, HeaderVersion); s != "" {
		backend = true
		if v, err = strconv.ParseInt(s, 10, 64); err != nil {
			return 0, true, fmt.Errorf("%s %.40q is not a number", HeaderVersion, s)
		}
	}
	return v, backend, wire.CheckVersion(v)
}

// first reads a header by its exact name.
func first(h nats.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
