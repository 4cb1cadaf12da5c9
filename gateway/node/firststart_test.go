package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// At a fleet's first start the routers are there before the NATS servers have
// elected one that makes streams, and what they ask is lost.
func TestStreamsAreMadeOnceNATSHasALeader(t *testing.T) {
	t.Parallel()
	peers, release, err := embednats.FreeAddrs(3)
	if err != nil {
		t.Fatal(err)
	}
	defer release.Close()
	start := func(i int) *natstest.Server {
		return natstest.RunOptions(t, embednats.Options{Name: fmt.Sprintf("n%d", i), Cluster: &embednats.Cluster{
			Port: int(netip.MustParseAddrPort(peers[i]).Port()), Peers: peers,
		}})
	}
	nc := start(0).Conn(routing.RoleRouter, "r1")
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	made := make(chan error, 1)
	go func() {
		made <- await(t.Context(), slog.New(slog.DiscardHandler), nc, &setback{}, "JetStream", func(ctx context.Context) error {
			return makeStreams(ctx, js, routing.StreamOptions{Replicas: 3})
		})
	}()
	opened := make(chan error, 1)
	go func() {
		opened <- await(t.Context(), slog.New(slog.DiscardHandler), nc, &setback{}, "devices", func(ctx context.Context) error {
			_, err := openDevices(ctx, js)
			return err
		})
	}()
	time.Sleep(time.Second) // both ask in vain
	start(1)
	start(2)
	led := leads(t, js) // for the log: how soon is up to the machine
	for what, done := range map[string]chan error{"made": made, "opened": opened} {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		t.Logf("the streams were %s %v after there was a leader", what, time.Since(led))
	}
}

// leads waits for a leader and returns since when there is one.
func leads(t *testing.T, js jetstream.JetStream) time.Time {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_, err := js.AccountInfo(ctx)
		cancel()
		if err == nil {
			return time.Now()
		}
	}
	t.Fatal("the servers elect nobody")
	return time.Time{}
}
