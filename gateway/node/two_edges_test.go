package node_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

const secondEdge = "edge-2"

func twoEdges(t *testing.T) *fleet {
	t.Helper()
	return twoEdgesWith(t)
}

func twoEdgesWith(t *testing.T, vars ...string) *fleet {
	t.Helper()
	return startFleet(t, options{vars: vars, nodes: []devmode.Node{
		{Name: whole, Roles: []string{"edge", "router", "push"}},
		{Name: secondEdge, Roles: []string{"edge"}},
	}})
}

// A device that moves from one edge to another is heard and told there only.
func TestDeviceMovesBetweenEdges(t *testing.T) {
	t.Parallel()
	f := twoEdges(t)
	store := &memory{}
	before := f.connect("nina", "phone", phoneOptions{store: store})
	first := before.hears("on the first edge")

	var after *phone
	f.counts(whole, "hawser_edgelink_superseded_total", 1, func() {
		after = f.connect("nina", "phone", phoneOptions{edge: secondEdge, store: store})
		var closed *client.CloseError
		if err := before.run(); !errors.As(err, &closed) || closed.Code != wire.CloseSuperseded {
			t.Errorf("on the first edge the device ended with %v, want 3502", err)
		}
	})
	second := after.hears("on the second edge")
	f.counts(whole, `hawser_router_settled_total{reason="acked"}`, 0, func() {
		second = after.hears("and only there")
	})
	if got := before.heard("messages"); !slices.Equal(got, []int64{first}) {
		t.Errorf("on the first edge it heard %d, want %d alone", got, first)
	}
	if got := after.heard("messages"); len(got) != 2 || got[1] != second {
		t.Errorf("on the second edge it heard %d, want two", got)
	}
	// And back, as somebody who carries a phone between two masts.
	back := f.connect("nina", "phone", phoneOptions{store: store})
	var closed *client.CloseError
	if err := after.run(); !errors.As(err, &closed) || closed.Code != wire.CloseSuperseded {
		t.Errorf("on the second edge the device ended with %v, want 3502", err)
	}
	back.hears("on the first edge again")
}

// Two edges' clocks differ: the greater epoch wins, whoever came first. Routers
// allow a clock to be ahead by no more than a moment, and the machine may stand
// still for as long: then it is somebody else's turn.
func TestEpochsOrderSessions(t *testing.T) {
	t.Parallel()
	f := twoEdges(t)
	for i := 0; !epochsOrder(f, fmt.Sprint("olaf", i)); i++ {
		if i == 10 {
			t.Fatal("the clock overtook the test each time")
		}
	}
}

// epochsOrder reports false where the clock overtook it.
func epochsOrder(f *fleet, user string) bool {
	t := f.t
	// The device comes from an edge whose clock is fast.
	ahead := time.Now().Add(1500 * time.Millisecond).UnixMilli()
	newer, welcome := f.greeted(secondEdge, user, "phone", func(h *wirepb.Hello) {
		h.ResumeTicket = f.ticket(user, "phone", ahead)
	})
	if welcome.Epoch <= ahead {
		t.Errorf("the session follows epoch %d with %d", ahead, welcome.Epoch)
	}
	// An attempt without the ticket is older, though it came later.
	stale, lower := f.greeted(whole, user, "phone", nil)
	if welcome.Epoch > ahead+1 || lower.Epoch >= welcome.Epoch {
		return false
	}
	stale.wantClose(wire.CloseSuperseded)
	a := f.publish(tenantA, event(user, "messages", "to the newer one"))
	if n := await[*wire.Notify](newer); n.Version != a.Version {
		t.Errorf("the newer session is notified of %d, want %d", n.Version, a.Version)
	}
	// With the ticket it is the newest.
	newest, next := f.greeted(whole, user, "phone", func(h *wirepb.Hello) { h.ResumeTicket = welcome.ResumeTicket })
	if next.Epoch <= welcome.Epoch {
		t.Errorf("epoch %d follows %d", next.Epoch, welcome.Epoch)
	}
	newer.wantClose(wire.CloseSuperseded)
	if n := await[*wire.Notify](newest); n.Version != a.Version {
		t.Errorf("the newest session is notified of %d, want %d", n.Version, a.Version)
	}
	return true
}

// A ticket from far ahead, and one that somebody made up, are passed over.
func TestTicketsThatAreNotFollowed(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	soon := time.Now().Add(time.Second).UnixMilli()
	forged := f.ticket("pia", "phone", soon)
	forged[len(forged)-1]++
	for name, ticket := range map[string][]byte{
		"of tomorrow":       f.ticket("pia", "phone", soon+24*time.Hour.Milliseconds()),
		"forged":            forged,
		"of another device": f.ticket("pia", "tablet", soon),
		"of another sort":   []byte("a ticket"),
	} {
		t.Run(name, func(t *testing.T) {
			r, w := f.in(t).greeted(whole, "pia", "phone", func(h *wirepb.Hello) { h.ResumeTicket = ticket })
			if now := time.Now().UnixMilli(); w.Epoch > now {
				t.Errorf("the session's epoch is %d ms ahead", w.Epoch-now)
			}
			r.send(&wire.Bye{})
			r.wantClose(wire.CloseBye)
		})
	}
}

// ticket makes a resume ticket as an edge would that has the fleet's key; see
// session/ticket.go.
func (f *fleet) ticket(user, device string, epoch int64) []byte {
	f.t.Helper()
	key, err := os.ReadFile(f.env.Path("ticket.key"))
	if err != nil {
		f.t.Fatal(err)
	}
	body := binary.BigEndian.AppendUint64([]byte{1}, uint64(epoch))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("hawser resume ticket"))
	mac.Write(body)
	for _, s := range []string{tenantA, user, device} {
		mac.Write(append([]byte{byte(len(s))}, s...))
	}
	return mac.Sum(body)[:len(body)+16]
}
