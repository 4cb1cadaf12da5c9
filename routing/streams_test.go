package routing_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

func router(label string) routing.User { return routing.User{Role: routing.RoleRouter, Label: label} }

func jetStream(t *testing.T, s *natstest.Server, label string) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(s.Conn(routing.RoleRouter, label))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestEnsureStreamsAtOnce(t *testing.T) {
	s := natstest.Run(t, router("r1"))
	before := uint64(time.Now().UnixMilli()) << 10
	var wg sync.WaitGroup
	for range 5 {
		js := jetStream(t, s, "r1")
		wg.Go(func() {
			for range 2 {
				if err := routing.EnsureStreams(t.Context(), js, routing.StreamOptions{Keep: 20}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	js := jetStream(t, s, "r1")
	in, err := js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	cfg := in.CachedInfo().Config
	if cfg.FirstSeq < before || cfg.MaxMsgsPerSubject != 20 || cfg.Discard != jetstream.DiscardNew || !cfg.AllowDirect || cfg.MaxAge != 0 {
		t.Errorf("INBOX is %+v", cfg)
	}
	c, err := js.Consumer(t.Context(), routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		t.Fatal(err)
	}
	if cc := c.CachedInfo().Config; cc.MaxAckPending != routing.MaxAckPending || cc.AckWait != 4*time.Second || cc.MaxDeliver != -1 || cc.AckPolicy != jetstream.AckExplicitPolicy {
		t.Errorf("ROUTERS is %+v", cc)
	}
	if c, err = js.Consumer(t.Context(), routing.StreamPush, routing.ConsumerPush); err != nil {
		t.Fatal(err)
	}
	// What a push worker had in its hands when it died is late by AckWait.
	if cc := c.CachedInfo().Config; cc.AckWait > 10*time.Second || cc.MaxDeliver != -1 || cc.AckPolicy != jetstream.AckExplicitPolicy {
		t.Errorf("PUSH is %+v", cc)
	}
}

func TestEnsureStreamsUpdates(t *testing.T) {
	s := natstest.Run(t, router("r1"))
	_, js := s.JetStream("r1", routing.StreamOptions{})
	first := firstSeq(t, js)
	later := func() time.Time { return time.Now().Add(time.Hour) }
	o := routing.StreamOptions{Keep: 50, InboxMaxBytes: 1 << 20, AckWait: 5 * time.Second, DuplicateWindow: time.Minute, Now: later}
	if err := routing.EnsureStreams(t.Context(), js, o); err != nil {
		t.Fatal(err)
	}
	in, _ := js.Stream(t.Context(), routing.StreamInbox)
	if cfg := in.CachedInfo().Config; cfg.MaxMsgsPerSubject != 50 || cfg.MaxBytes != 1<<20 || cfg.Duplicates != time.Minute {
		t.Errorf("INBOX is %+v", cfg)
	}
	if got := firstSeq(t, js); got != first {
		t.Errorf("the first sequence moved from %d to %d", first, got)
	}
	c, _ := js.Consumer(t.Context(), routing.StreamInbox, routing.ConsumerRouters)
	if got := c.CachedInfo().Config.AckWait; got != 5*time.Second {
		t.Errorf("AckWait is %v", got)
	}
}

func firstSeq(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	s, err := js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.FirstSeq
}

func TestEnsureStreamsRefuses(t *testing.T) {
	s := natstest.Run(t)
	js := jetStream(t, s, "r1")
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: routing.StreamInbox, Subjects: []string{routing.InboxAll}, Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	err := routing.EnsureStreams(t.Context(), js, routing.StreamOptions{})
	if err == nil || !strings.Contains(err.Error(), "delete the stream") {
		t.Errorf("a stream in memory: %v", err)
	}
	if err := js.DeleteStream(t.Context(), routing.StreamInbox); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"inbox.>"}}); err != nil {
		t.Fatal(err)
	}
	if err := routing.EnsureStreams(t.Context(), js, routing.StreamOptions{}); err == nil || !strings.Contains(err.Error(), "nobody but hawser") {
		t.Errorf("subjects taken: %v", err)
	}
	if err := js.DeleteStream(t.Context(), "OTHER"); err != nil {
		t.Fatal(err)
	}
	if err := routing.EnsureStreams(t.Context(), js, routing.StreamOptions{Replicas: 3}); err == nil || !strings.Contains(err.Error(), "fewer servers") {
		t.Errorf("3 replicas on one server: %v", err)
	}
	if err := routing.EnsureStreams(t.Context(), js, routing.StreamOptions{InboxMaxBytes: 1 << 50}); err == nil || !strings.Contains(err.Error(), "max_file_store") {
		t.Errorf("too large: %v", err)
	}
}

// A stream that was lost and is made anew goes on above all old numbers.
func TestFirstSequenceRises(t *testing.T) {
	s := natstest.Run(t)
	js := jetStream(t, s, "r1")
	if err := routing.EnsureStreams(t.Context(), js, routing.StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	first := firstSeq(t, js)
	if err := js.DeleteStream(t.Context(), routing.StreamInbox); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	o := routing.StreamOptions{Now: func() time.Time { return time.Now().Add(time.Minute) }}
	if err := routing.EnsureStreams(ctx, js, o); err != nil {
		t.Fatal(err)
	}
	if again := firstSeq(t, js); again < first+(60_000<<10) {
		t.Errorf("first sequence %d after %d", again, first)
	}
}
