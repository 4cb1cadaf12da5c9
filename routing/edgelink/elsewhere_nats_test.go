package edgelink_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// An edge whose NATS server hands it no router's beats takes another one.
func TestLeavesAServerWithoutRouters(t *testing.T) {
	t.Parallel()
	cutOff := natstest.Run(t, routing.User{Role: routing.RoleEdge, Label: "e1"})
	e := start(t, func(cfg *edgelink.Config) {
		there := cfg.Conn.ConnectedUrl()
		nc, err := nats.Connect(strings.Join([]string{cutOff.URL(), there}, ","), append(routing.ConnectOptions(routing.RoleEdge, "e1"),
			nats.UserInfo(routing.UserName(routing.RoleEdge, "e1"), natstest.Password), nats.DontRandomize())...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		cfg.Conn, cfg.Timing.Unheard = nc, 200*time.Millisecond
	})
	r := e.router("r1", 1, nil)
	conns := e.register(1, 3)
	r.follows(conns)
	e.verified(1, conns)
}
