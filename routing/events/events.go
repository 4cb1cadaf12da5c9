// Package events tells backends what happened to their devices, as
// CloudEvents 1.0 in JSON on hawser.v1.events.<tenant>.<type> (stream EVENTS).
// Receivers may see an event twice and tell by its id.
package events

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
)

// The types of events, as they end the subject. In the CloudEvent they are
// prefixed with "hawser.v1.".
const (
	TypeTokenRejected    = "token.rejected"
	TypePushDead         = "push.dead"
	TypeDeviceRegistered = "device.registered"
	TypePresenceChanged  = "presence.changed"
)

// attempts and attemptWait bound how long an event is tried to be stored.
const (
	attempts    = 3
	attemptWait = 2 * time.Second
)

// Publisher writes events. Its methods may be called from any number of
// goroutines; they return when the event is stored, or with an error when it
// was tried three times or ctx ended.
type Publisher struct {
	// Static after construction.
	js     jetstream.JetStream
	source string
}

// New returns a publisher. source names the process, such as
// "/hawser/push/p1": it becomes the CloudEvents' source.
func New(js jetstream.JetStream, source string) *Publisher {
	return &Publisher{js: js, source: source}
}

// Event is the CloudEvents envelope.
type Event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            Data      `json:"data"`
}

// Data is what an event tells. Fields that do not apply are absent.
type Data struct {
	Schema string `json:"schema"`
	User   string `json:"user"`
	Device string `json:"device"`
	Kind   string `json:"kind,omitempty"`
	// Version is a decimal string, as everywhere in hawser's JSON.
	Version  string `json:"version,omitempty"`
	App      string `json:"app,omitempty"`
	Platform string `json:"platform,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// State is "online" or "offline", Epoch that of the session that began
	// or ended, ChangedMs when it did, in unix milliseconds; decimal strings.
	// Of a device's events the one counts that is greatest by epoch, and then
	// by changed_ms.
	State     string `json:"state,omitempty"`
	Epoch     string `json:"epoch,omitempty"`
	ChangedMs string `json:"changed_ms,omitempty"`
}

// TokenRejected tells that a provider refused a device's push token for good.
func (p *Publisher) TokenRejected(ctx context.Context, tenant, user, device, app, reason string) error {
	return p.publish(ctx, tenant, TypeTokenRejected, uuid.NewString(), Data{User: user, Device: device, App: app, Reason: reason})
}

// PushDead tells that a push was given up.
func (p *Publisher) PushDead(ctx context.Context, tenant, user, device, kind string, version int64, reason string) error {
	return p.publish(ctx, tenant, TypePushDead, uuid.NewString(), Data{
		User: user, Device: device, Kind: kind, Version: strconv.FormatInt(version, 10), Reason: reason,
	})
}

// DeviceRegistered tells that a device registered for pushes or changed its
// token.
func (p *Publisher) DeviceRegistered(ctx context.Context, tenant, user, device, platform, app string) error {
	return p.publish(ctx, tenant, TypeDeviceRegistered, uuid.NewString(), Data{User: user, Device: device, Platform: platform, App: app})
}

func (p *Publisher) publish(ctx context.Context, tenant, typ, eventID string, d Data) error {
	for what, id := range map[string]string{"tenant": tenant, "user": d.User, "device": d.Device} {
		if err := wire.CheckID(what, id); err != nil {
			return fmt.Errorf("event %s: %w", typ, err)
		}
	}
	d.Schema = "hawser.event.v1"
	e := Event{
		SpecVersion: "1.0", ID: eventID, Source: p.source, Type: "hawser.v1." + typ,
		Subject: d.User + "/" + d.Device, Time: time.Now().UTC(), DataContentType: "application/json", Data: d,
	}
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("event %s: %w", typ, err)
	}
	msg := &nats.Msg{Subject: routing.EventSubject(tenant, typ), Data: body, Header: nats.Header{}}
	msg.Header.Set("Content-Type", "application/cloudevents+json")
	return p.store(ctx, msg, e.ID)
}

// store tries more than once under one message id: a repeat of what was
// stored without an answer is dropped by the stream.
func (p *Publisher) store(ctx context.Context, msg *nats.Msg, id string) (err error) {
	for range attempts {
		if err = p.try(ctx, msg, id); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("publish event on %s: %w", msg.Subject, err)
	}
	return nil
}

func (p *Publisher) try(ctx context.Context, msg *nats.Msg, id string) error {
	ctx, cancel := context.WithTimeout(ctx, attemptWait)
	defer cancel()
	_, err := p.js.PublishMsg(ctx, msg, jetstream.WithMsgID(id), jetstream.WithExpectStream(routing.StreamEvents))
	return err
}
