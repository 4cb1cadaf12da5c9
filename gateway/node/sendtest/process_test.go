//go:build unix

package sendtest

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest/remote"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

func TestMain(m *testing.M) {
	providertest.Main(m, map[string]providertest.Role{"nats": serveNATS, "services": serveServices, "worker": serveWorker})
}

// natsOptions are told to the role "nats", which answers with its URL.
type natsOptions struct {
	Dir   string
	Users []routing.User
}

func serveNATS(in *json.Decoder, out io.Writer) error {
	var o natsOptions
	if err := in.Decode(&o); err != nil {
		return err
	}
	s, err := embednats.Start(embednats.Options{Dir: o.Dir, Users: o.Users})
	if err != nil {
		return err
	}
	defer s.Shutdown()
	if err := json.NewEncoder(out).Encode(s.URL()); err != nil {
		return err
	}
	providertest.UntilEnd(in, func() {})
	return nil
}

// serveServices runs simulators; it is told where their credentials go, and
// answers with a remote.State.
func serveServices(in *json.Decoder, out io.Writer) error {
	var dir string
	if err := in.Decode(&dir); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go providertest.UntilEnd(in, cancel)
	return remote.Run(ctx, remote.Options{Dir: dir}, out)
}
