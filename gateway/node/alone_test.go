package node

import (
	"context"
	"sync"
	"testing"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// configOf is the configuration of a node that is a fleet by itself. Without
// natsURL it has a NATS server of its own.
func configOf(t *testing.T, spec devmode.Node, natsURL string) *config.Config {
	t.Helper()
	env, err := devmode.New(devmode.Options{Dir: t.TempDir(), Nodes: []devmode.Node{spec}, Tenants: []string{"demo"}, NATSURL: natsURL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(env.Close)
	path, err := env.WriteConfig(spec)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// running runs a node until stop or the test's end.
func running(t *testing.T, n *Node) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}
