package node_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// natsBackend is a tenant's backend that has a NATS client and the README,
// and nothing of hawser's: TestStrangersStayStrangers holds this file to that.
type natsBackend struct {
	tenant string
	nc     *nats.Conn
}

// natsStored is the answer to a published event, or the error.
type natsStored struct {
	Version      int64  `json:"version,string"`
	Duplicate    bool   `json:"duplicate"`
	Code         string `json:"code"`
	Message      string `json:"message"`
	RetryAfterMs int64  `json:"retry_after_ms"`
}

// natsPatience is how long a backend waits for an answer.
const natsPatience = 10 * time.Second

// dialBackend connects with the tenant's credentials; refused hears of every
// subject that they are not good for.
func dialBackend(url, tenant, password string, refused func(error)) (*natsBackend, error) {
	nc, err := nats.Connect(url,
		nats.UserInfo("backend-"+tenant, password),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused(err) }))
	if err != nil {
		return nil, err
	}
	return &natsBackend{tenant, nc}, nil
}

// publish publishes for the backend's own tenant.
func (b *natsBackend) publish(user, kind, item string, headers map[string]string) (natsStored, error) {
	return b.publishFor(b.tenant, user, kind, item, headers, natsPatience)
}

func (b *natsBackend) publishFor(tenant, user, kind, item string, headers map[string]string, wait time.Duration) (stored natsStored, err error) {
	msg := nats.NewMsg("hawser.v1.pub." + tenant + "." + user + "." + kind)
	msg.Data = []byte(item)
	for name, value := range headers {
		msg.Header.Set(name, value)
	}
	reply, err := b.nc.RequestMsg(msg, wait)
	if err != nil {
		return stored, err
	}
	return stored, json.Unmarshal(reply.Data, &stored)
}

// natsEvent is what a backend reads of a CloudEvent.
type natsEvent struct {
	Type string `json:"type"`
	Data struct {
		User, Device, App, Reason string
	} `json:"data"`
}

// events listens to what happens to the tenant's devices.
func (b *natsBackend) events() (<-chan natsEvent, error) {
	heard := make(chan natsEvent, 64)
	_, err := b.nc.Subscribe("hawser.v1.events."+b.tenant+".>", func(m *nats.Msg) {
		var e natsEvent
		if json.Unmarshal(m.Data, &e) == nil && "hawser.v1.events."+b.tenant+strings.TrimPrefix(e.Type, "hawser.v1") == m.Subject {
			heard <- e
		}
	})
	if err != nil {
		return nil, err
	}
	return heard, b.nc.Flush()
}

// serveEcho answers hawser.v1.up.<tenant>.echo.say with what it was asked,
// and echo.fail with an error.
func (b *natsBackend) serveEcho() error {
	service, err := micro.AddService(b.nc, micro.Config{Name: "echo", Version: "1.0.0"})
	if err != nil {
		return err
	}
	group := service.AddGroup("hawser.v1.up." + b.tenant + ".echo")
	err = group.AddEndpoint("say", micro.HandlerFunc(func(r micro.Request) {
		// A real service takes the user from the token, after it has
		// verified it.
		if strings.Count(r.Headers().Get("Hawser-Token"), ".") != 2 {
			_ = r.Error("401", "there is no token", nil)
			return
		}
		_ = r.Respond([]byte(fmt.Sprintf("%s's %s said %s",
			r.Headers().Get("Hawser-User"), r.Headers().Get("Hawser-Device"), r.Data())))
	}))
	if err != nil {
		return err
	}
	return group.AddEndpoint("fail", micro.HandlerFunc(func(r micro.Request) {
		_ = r.Error("409", "not now", nil)
	}))
}
