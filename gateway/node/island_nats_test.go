package node_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// behindLine starts a fleet whose second edge reaches NATS over a line that
// the test can cut. vars change the second edge alone.
func behindLine(t *testing.T, vars ...string) (*fleet, *natstest.Line) {
	t.Helper()
	return behind(t, natstest.NewLine, vars...)
}

func behind(t *testing.T, newLine func(testing.TB, string) *natstest.Line, vars ...string) (*fleet, *natstest.Line) {
	t.Helper()
	f := newFleet(t, options{nodes: []devmode.Node{
		{Name: whole, Roles: []string{"edge", "router", "push"}},
		{Name: secondEdge, Roles: []string{"edge"}},
	}})
	f.start(whole)
	f.waitReady(whole)
	line := newLine(t, strings.TrimPrefix(f.env.NATSURL, "nats://"))
	f.vars = append(f.vars, "HAWSER_NATS_URLS="+line.URL(),
		"HAWSER_EDGE_ISLAND_OTHER_SITES="+f.edgeAddr(whole), "HAWSER_EDGE_ISLAND_CA_FILE="+f.env.Path(devmode.CAFile))
	f.vars = append(f.vars, vars...)
	f.start(secondEdge)
	f.waitReady(secondEdge)
	f.waitMetric(secondEdge, "hawser_edgelink_degraded", 0)
	return f, line
}

func (f *fleet) waitMetric(node, name string, want float64) {
	f.t.Helper()
	eventually(f.t, name+" changes", func() error {
		if f.metric(node, name) != want {
			return errNotYet
		}
		return nil
	})
}

// An edge that is cut off without a sign keeps its devices and answers them,
// is ready, and holds what they acknowledge. What was published meanwhile they
// hear once it is back.
func TestEdgeCutOff(t *testing.T) {
	t.Parallel()
	f, line := behindLine(t)
	p := f.connect("tara", "phone", phoneOptions{edge: secondEdge})
	r, _ := f.greeted(secondEdge, "tara", "tablet", nil)
	before := f.publish(tenantA, event("tara", "messages", "one")).Version
	p.waitHeard("messages", before)
	n := await[*wire.Notify](r)

	line.Cut()
	f.waitMetric(secondEdge, "hawser_edgelink_degraded", 1)
	r.send(&wire.Ack{Kind: n.Kind, Version: n.Version}, &wire.Ping{})
	await[*wire.Pong](r)
	if status, body := f.get(secondEdge, "/readyz"); status != http.StatusOK {
		t.Errorf("cut off, the edge says %d: %s", status, body)
	}
	during := f.publish(tenantA, event("tara", "messages", "two")).Version
	late := f.connect("tara", "watch", phoneOptions{edge: secondEdge})
	line.Mend()
	p.waitHeard("messages", during)
	late.waitHeard("messages", during)
	if got := await[*wire.Notify](r).Version; got != during {
		t.Errorf("the tablet is notified of %d, want %d: it has acknowledged %d", got, during, n.Version)
	}
	for _, p := range []*phone{p, late} {
		if p.connections() != 1 {
			t.Errorf("the %s was connected %d times", p.name, p.connections())
		}
	}
}

// Cut off for long, the edge sends its devices to the other site, which is
// better off; once it is back the rest stays.
func TestIslandSendsAway(t *testing.T) {
	t.Parallel()
	f, line := behindLine(t, "HAWSER_EDGE_ISLAND_MAX=1s", "HAWSER_EDGE_ISLAND_SPREAD=10s")
	const n = 40
	var devices []*raw
	for i := range n {
		r, _ := f.greeted(secondEdge, "uma", fmt.Sprint("d", i), nil)
		devices = append(devices, r)
	}
	asked := make(chan int, n)
	for i, r := range devices {
		go func() {
			for {
				_ = r.conn.SetDeadline(time.Now().Add(time.Minute))
				frame, err := r.reader.Next()
				if err != nil {
					return
				}
				if _, ok := frame.(*wire.GoAway); ok {
					asked <- i
				}
			}
		}()
	}
	line.Cut()
	for range 5 {
		select {
		case <-asked:
		case <-time.After(patience):
			t.Fatal("nobody is sent away")
		}
	}
	f.dial(secondEdge).refusedWith(f, wire.CloseBusy)
	line.Mend()
	f.waitMetric(secondEdge, "hawser_edgelink_degraded", 0)
	f.waitMetric(secondEdge, "hawser_island_seconds", 0)
	sent := f.metric(secondEdge, "hawser_island_sent_away_total")
	if sent < 5 || sent >= n {
		t.Errorf("%v of %d were sent away", sent, n)
	}
	f.greeted(secondEdge, "uma", "new", nil)
}

func (r *raw) refusedWith(f *fleet, code wire.CloseCode) {
	r.t.Helper()
	r.send(&wire.Hello{Body: f.hello("uma", "late")})
	r.wantClose(code)
}
