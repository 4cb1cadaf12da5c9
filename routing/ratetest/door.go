package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// doorPlaces is how many events of this process the door has in work at most:
// a router takes 1,024 and refuses what comes on top.
const doorPlaces = 1000

// storing is an event on its way into a log.
type storing interface {
	// stored waits for its version.
	stored(ctx context.Context) (version int64, err error)
}

// direct is an event that this process publishes into a stream by itself.
type direct struct{ future jetstream.PubAckFuture }

func (d direct) stored(ctx context.Context) (int64, error) {
	select {
	case ack := <-d.future.Ok():
		return int64(ack.Sequence), nil
	case err := <-d.future.Err():
		return 0, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// door publishes as a tenant's backend does, over NATS. Its calls do not wait
// for one another.
type door struct {
	// Static after openDoor.
	conn   *nats.Conn
	prefix string // of the replies
	places chan struct{}

	mu    sync.Mutex
	next  int              // Guarded by mu.
	calls map[string]*call // Guarded by mu. By the reply subject.
}

// call is an event that the door is asked to store.
type call struct{ answer chan *nats.Msg }

// openDoor connects as a tenant's backend. The caller calls close.
func openDoor(url string, u routing.User) (*door, error) {
	inbox := routing.InboxPrefix(u.Role, u.Label)
	conn, err := nats.Connect(url, nats.UserInfo(u.Name(), u.Password), nats.CustomInboxPrefix(inbox), nats.Name(measurer))
	if err != nil {
		return nil, fmt.Errorf("connect as a backend: %w", err)
	}
	d := &door{conn: conn, prefix: inbox + ".door.", places: make(chan struct{}, doorPlaces), calls: make(map[string]*call)}
	_, err = conn.Subscribe(d.prefix+"*", d.answered)
	if err = errors.Join(err, conn.Flush()); err != nil {
		conn.Close()
		return nil, fmt.Errorf("subscribe to answers: %w", err)
	}
	return d, nil
}

func (d *door) close() { d.conn.Close() }

// publish asks for an event to be stored, once there is a place.
func (d *door) publish(ctx context.Context, e routing.Event) (storing, error) {
	select {
	case d.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := &call{make(chan *nats.Msg, 1)}
	d.mu.Lock()
	d.next++
	reply := d.prefix + strconv.Itoa(d.next)
	d.calls[reply] = c
	d.mu.Unlock()
	m := nats.NewMsg(routing.PublishSubject(e.Tenant, e.User, e.Kind))
	m.Reply, m.Data = reply, e.Item
	m.Header.Set(routing.HeaderID, e.ID)
	return c, d.conn.PublishMsg(m)
}

func (d *door) answered(m *nats.Msg) {
	d.mu.Lock()
	c := d.calls[m.Subject]
	delete(d.calls, m.Subject)
	d.mu.Unlock()
	if c != nil {
		<-d.places
		c.answer <- m
	}
}

func (c *call) stored(ctx context.Context) (int64, error) {
	select {
	case m := <-c.answer:
		return parseAnswer(m)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// parseAnswer reads the version of what was stored.
func parseAnswer(m *nats.Msg) (int64, error) {
	var a struct {
		Version int64  `json:"version,string"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return 0, fmt.Errorf("read the door's answer %.100q: %w", m.Data, err)
	}
	if a.Version == 0 {
		return 0, fmt.Errorf("the door refused an event: %s", a.Message)
	}
	return a.Version, nil
}
