package backlog_test

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/backlog"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// A router's rights suffice to read what waits.
func TestBacklog(t *testing.T) {
	server, err := embednats.Start(embednats.Options{Dir: t.TempDir(), Users: []routing.User{
		{Role: routing.RoleRouter, Label: "r1", Password: "a password of the router"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	nc, err := server.Connect(routing.RoleRouter, "r1")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	const limit, pushLimit = 64 << 20, 10_000
	if err := routing.EnsureStreams(t.Context(), js, routing.StreamOptions{InboxMaxBytes: limit, PushMaxBytes: pushLimit}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := js.Publish(t.Context(), routing.InboxSubject("demo", "alice", "messages"), []byte("item")); err != nil {
			t.Fatal(err)
		}
	}
	reg := prometheus.NewRegistry()
	watch := backlog.New(js, backlog.Bounds{MaxWaiting: 2}, slog.New(slog.DiscardHandler), reg)
	if v := metrictest.Value(t, reg, "hawser_backlog_waiting_messages", routing.StreamInbox); !math.IsNaN(v) {
		t.Errorf("%v messages wait before anything was read", v)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = watch.Run(ctx) })
	defer running.Wait()
	defer cancel()
	for end := time.Now().Add(10 * time.Second); metrictest.Value(t, reg, "hawser_backlog_waiting_messages", routing.StreamInbox) != 3; {
		if time.Now().After(end) {
			t.Fatal("the three messages are not seen")
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, want := range []struct {
		name, stream string
		value        float64
	}{
		{"hawser_backlog_open_messages", routing.StreamInbox, 0},
		{"hawser_backlog_waiting_messages", routing.StreamPush, 0},
		{"hawser_backlog_stream_limit_bytes", routing.StreamInbox, limit},
		{"hawser_backlog_stream_bytes", routing.StreamDevices, 0},
	} {
		if v := metrictest.Value(t, reg, want.name, want.stream); v != want.value {
			t.Errorf("%s of %s is %v, want %v", want.name, want.stream, v, want.value)
		}
	}
	if level, why := watch.Pressure(); level != 0.5 || why == "" {
		t.Errorf("with 3 waiting of 2 allowed the pressure is %v (%q), want 0.5", level, why)
	}
	if room, known := watch.Room(); room != routing.MaxAckPending || !known {
		t.Errorf("room for %d, %v", room, known)
	}
	if v := metrictest.Value(t, reg, "hawser_backlog_pressure", "waiting"); v != 0.5 {
		t.Errorf("hawser_backlog_pressure is %v, want 0.5", v)
	}
	if v := metrictest.Value(t, reg, "hawser_backlog_stream_bytes", routing.StreamInbox); v <= 0 {
		t.Errorf("three messages have %v bytes", v)
	}
	if watch.PushLow() {
		t.Error("the push queue, which is empty, has little room")
	}
	job := make([]byte, pushLimit*96/100)
	if _, err := js.Publish(t.Context(), routing.PushSubject("demo", "alice", "phone", "messages"), job); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !watch.PushLow(); {
		if time.Now().After(end) {
			t.Fatal("the push queue, which is nearly full, has room")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if level, why := watch.Pressure(); level != 1 || why == "" {
		t.Errorf("with a push queue that takes no more jobs the pressure is %v (%q), want 1", level, why)
	}
}
