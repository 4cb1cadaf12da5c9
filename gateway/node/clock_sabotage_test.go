//go:build sabotage

package node_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// An edge whose clock steps by two days, by which every token has expired, is
// not ready and tells new devices to go elsewhere; who is there stays, hears,
// and is served when it renews its token. Set right, it is as before.
func TestSabotagedEdgeClock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	f := newFleet(t, options{nodes: []devmode.Node{
		{Name: whole, Roles: []string{"edge", "router", "push"}},
		{Name: secondEdge, Roles: []string{"edge"}},
	}})
	f.start(whole)
	f.waitReady(whole)
	t.Setenv("HAWSER_SABOTAGE_CLOCK", file)
	f.start(secondEdge)
	f.waitReady(secondEdge)
	f.waitMetric(secondEdge, "hawser_edgelink_degraded", 0)
	r, _ := f.greeted(secondEdge, "xena", "phone", nil)

	set := func(by string) {
		if err := os.WriteFile(file+".new", []byte(by), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	for _, by := range []string{"48h", "-48h"} {
		set(by)
		eventually(t, "the edge is not ready", func() error {
			if status, body := f.get(secondEdge, "/readyz"); status == http.StatusOK {
				return errNotYet
			} else {
				wantText(t, body, "let NTP set it")
			}
			return nil
		})
		late := f.dial(secondEdge)
		late.send(&wire.Hello{Body: f.hello("xena", "tablet")})
		late.wantClose(wire.CloseClock)
		r.send(&wire.Token{Body: &wirepb.Token{Token: f.token(tenantA, "xena", "phone")}}, &wire.Ping{})
		await[*wire.Pong](r)
		r.awaitVersion(f.publish(tenantA, event("xena", "messages", by)).Version)
		set("0s")
		f.waitReady(secondEdge)
		f.greeted(secondEdge, "xena", "tablet", nil)
	}
	r.send(&wire.Ping{})
	await[*wire.Pong](r)
}
