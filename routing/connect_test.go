package routing_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// moveWithin is how long a role may take to another server: 6 s until the
// pings are missed, and one attempt at a server that does not answer either.
const moveWithin = 30 * time.Second

// A line that is cut without a sign, or a server that was stopped, is left
// for another server of the cluster; whoever writes meanwhile is not held up
// for longer; the consumer of events goes on there.
func TestLeavesSilentServer(t *testing.T) {
	for name, write := range map[string]bool{"idle": false, "writing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leavesSilentServer(t, write)
		})
	}
}

func leavesSilentServer(t *testing.T, write bool) {
	servers := natstest.RunCluster(t, 3, router("r1"), router("r2"))
	line := natstest.NewLine(t, servers[0].URL()[len("nats://"):])
	nc := connectOver(t, line.URL(), "r2")
	_, js := servers[1].JetStream("r1", routing.StreamOptions{Replicas: 3})
	heard, seen := consumeInbox(t, nc), watchDevices(t, nc)
	stored := publishSome(t, js, 10)
	waitFor(t, "the first events", func() bool { return heard.Load() == stored })

	line.Cut()
	cut := time.Now()
	// More than the buffers of the sockets take: writes block.
	block := bytes.Repeat([]byte("x"), 64<<10)
	var longest time.Duration
	for nc.ConnectedUrl() == line.URL() && time.Since(cut) < moveWithin {
		began := time.Now()
		if write {
			_ = nc.Publish(routing.EchoSubject("e1"), block)
		} else {
			time.Sleep(20 * time.Millisecond)
		}
		longest = max(longest, time.Since(began))
	}
	waitFor(t, "another server", nc.IsConnected)
	if moved := time.Since(cut); moved > moveWithin {
		t.Errorf("it took %v to another server", moved)
	}
	if longest > moveWithin {
		t.Errorf("a write was held up for %v", longest)
	}
	t.Logf("moved after %v, longest write %v", time.Since(cut), longest)
	stored += publishSome(t, js, 10)
	waitFor(t, "the events after it", func() bool { return heard.Load() >= stored })
	t.Logf("events after %v", time.Since(cut))
	putDevice(t, js)
	waitFor(t, "the record after it", func() bool { return seen.Load() == 1 })
	t.Logf("records after %v", time.Since(cut))
}

// A server that is about to be upgraded sends its clients away: they come back
// at another one, and the consumer goes on.
func TestFollowsLameDuck(t *testing.T) {
	t.Parallel()
	servers := natstest.RunCluster(t, 3, router("r1"), router("r2"))
	nc := connectOver(t, servers[0].URL(), "r2")
	_, js := servers[1].JetStream("r1", routing.StreamOptions{Replicas: 3})
	heard := consumeInbox(t, nc)
	began := time.Now()
	servers[0].LameDuck()
	waitFor(t, "another server", func() bool { return nc.IsConnected() && nc.ConnectedUrl() != servers[0].URL() })
	t.Logf("moved after %v", time.Since(began))
	stored := publishSome(t, js, 10)
	waitFor(t, "the events", func() bool { return heard.Load() >= stored })
}

func connectOver(t *testing.T, url, label string) *nats.Conn {
	t.Helper()
	opts := append(routing.ConnectOptions(routing.RoleRouter, label),
		nats.UserInfo(routing.UserName(routing.RoleRouter, label), natstest.Password))
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// consumeInbox counts events as a router pulls them.
func consumeInbox(t *testing.T, nc *nats.Conn) *atomic.Int64 {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	c, err := js.Consumer(t.Context(), routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		t.Fatal(err)
	}
	var heard atomic.Int64
	cc, err := c.Consume(func(m jetstream.Msg) {
		heard.Add(1)
		_ = m.Ack()
	}, jetstream.PullMaxMessages(100), jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cc.Stop)
	return &heard
}

// watchDevices counts device records as a router watches them.
func watchDevices(t *testing.T, nc *nats.Conn) *atomic.Int64 {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(t.Context(), routing.BucketDevices)
	if err != nil {
		t.Fatal(err)
	}
	w, err := kv.Watch(t.Context(), "d.>")
	if err != nil {
		t.Fatal(err)
	}
	var seen atomic.Int64
	go func() {
		for e := range w.Updates() {
			if e != nil { // nil ends what was there before
				seen.Add(1)
			}
		}
	}()
	t.Cleanup(func() { _ = w.Stop() })
	return &seen
}

func putDevice(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	waitFor(t, "a record is stored", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		kv, err := js.KeyValue(ctx, routing.BucketDevices)
		if err == nil {
			_, err = kv.Put(ctx, "d.demo.u1.phone", []byte("record"))
		}
		return err == nil
	})
}

// publishSome publishes n events, each until the log has it, and returns n.
func publishSome(t *testing.T, js jetstream.JetStream, n int) int64 {
	t.Helper()
	for i := range n {
		e := routing.Event{Tenant: "demo", User: "u1", Kind: "messages", ID: fmt.Sprint(time.Now().UnixNano(), i)}
		waitFor(t, "an event is stored", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err := js.PublishMsg(ctx, e.Message())
			return err == nil
		})
	}
	return int64(n)
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
