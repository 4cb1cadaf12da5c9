package natstest

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// RunCluster starts n servers that form one cluster with JetStream, for what
// behaves differently with replicas. It waits until streams can be made,
// which takes some seconds. With users, one must be the router "r1".
func RunCluster(t testing.TB, n int, users ...routing.User) []*Server {
	t.Helper()
	peers, release, err := embednats.FreeAddrs(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = release.Close() })
	var servers []*Server
	for i := range n {
		servers = append(servers, RunOptions(t, embednats.Options{
			Users: users, Name: fmt.Sprintf("n%d", i),
			Cluster: &embednats.Cluster{Port: int(netip.MustParseAddrPort(peers[i]).Port()), Peers: peers},
		}))
	}
	waitForMeta(t, servers[0])
	return servers
}

func waitForMeta(t testing.TB, s *Server) {
	t.Helper()
	js, err := jetstream.New(s.Conn(routing.RoleRouter, "r1"))
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		_, err = js.AccountInfo(ctx)
		cancel()
		if err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the cluster does not get ready: %v", err)
}
