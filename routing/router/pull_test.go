package router

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// lateConn hands on what was read some time later.
type lateConn struct {
	net.Conn
	late net.Conn // a pipe's end
}

func (c lateConn) Read(b []byte) (int, error) { return c.late.Read(b) }
func (c lateConn) Close() error {
	_ = c.late.Close()
	return c.Conn.Close()
}
func (c lateConn) SetReadDeadline(time.Time) error { return nil }
func (c lateConn) SetDeadline(time.Time) error     { return nil }

// lateDialer's connections bring everything by so much later.
type lateDialer time.Duration

func (by lateDialer) Dial(network, addr string) (net.Conn, error) {
	c, err := net.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	type part struct {
		data []byte
		due  time.Time
	}
	parts := make(chan part, 1<<12)
	out, in := net.Pipe()
	go func() { // ends with the connection
		defer close(parts)
		for {
			b := make([]byte, 1<<16)
			n, err := c.Read(b)
			if err != nil {
				return
			}
			parts <- part{b[:n], time.Now().Add(time.Duration(by))}
		}
	}()
	go func() { // ends with the one before
		defer in.Close()
		for p := range parts {
			time.Sleep(time.Until(p.due))
			_, _ = in.Write(p.data)
		}
	}()
	return lateConn{c, out}, nil
}

// Answers that come after a second, as behind a storm of sessions, bring their
// events all the same.
func TestEventsOverASlowConnection(t *testing.T) {
	e := newEnvWaiting(t, 4*time.Second)
	const events = 20
	for i := range events {
		e.publish(fmt.Sprint("u", i), "messages")
	}
	nc := e.srv.Conn(routing.RoleRouter, "r1", nats.Timeout(time.Minute), nats.SetCustomDialer(lateDialer(1200*time.Millisecond)))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Name: "r1", Conn: nc, JS: js, Catalog: e.cat, AckWait: e.ackWait, Log: discard()})
	if err != nil {
		t.Fatal(err)
	}
	c, err := js.Consumer(t.Context(), routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		t.Fatal(err)
	}
	p := puller{r: r, consumer: c, epoch: r.epoch.Load()}
	for end := time.Now().Add(time.Minute); len(r.messages) < events; {
		if time.Now().After(end) {
			t.Fatalf("%d of %d events came", len(r.messages), events)
		}
		_ = p.pull(t.Context()) // may fail, and is tried again
	}
}

// A log that brings events, a full answer after the other once it is back, is not
// away.
func TestABacklogIsAnAnswer(t *testing.T) {
	e := newEnv(t)
	for i := range pullMessages {
		ev := routing.Event{Tenant: tenant, User: fmt.Sprint("u", i), Kind: "posts", ID: fmt.Sprint(i), Item: []byte("x")}
		if _, err := e.js.PublishMsgAsync(ev.Message()); err != nil {
			t.Fatal(err)
		}
	}
	<-e.js.PublishAsyncComplete()
	c, err := e.js.Consumer(t.Context(), routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		t.Fatal(err)
	}
	r := &Router{leaving: make(chan struct{})}
	r.epoch.Store(1) // leaves what comes to others
	p := puller{r: r, consumer: c, slow: true}
	if err := p.pull(t.Context()); err != nil || !p.slow || !p.answered() {
		t.Errorf("slow %v, answered %v: %v", p.slow, p.answered(), err)
	}
}
