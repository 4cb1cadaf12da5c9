package natstest

import (
	"context"
	"fmt"
	"net"
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
	ports := freePorts(t, n)
	var peers []string
	for _, p := range ports {
		peers = append(peers, fmt.Sprintf("127.0.0.1:%d", p))
	}
	var servers []*Server
	for i := range n {
		servers = append(servers, RunOptions(t, embednats.Options{
			Users: users, Name: fmt.Sprintf("n%d", i),
			Cluster: &embednats.Cluster{Port: ports[i], Peers: peers},
		}))
	}
	waitForMeta(t, servers[0])
	return servers
}

// freePorts finds ports that are free now. Between here and the servers'
// start another process may take one: the test then fails to start.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
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
