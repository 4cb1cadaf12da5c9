package node_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// What devices teach one edge about their network another one hands out to a
// device that is new to it.
func TestEdgesShareWhatTheyLearn(t *testing.T) {
	t.Parallel()
	f := twoEdgesWith(t, "HAWSER_EDGE_HEARTBEAT_SHARE_EVERY=1s")
	n := 0
	// visit is a new device's first interval at an edge.
	visit := func(edge string, last *wirepb.LastConnection) time.Duration {
		n++
		r, w := f.greeted(edge, fmt.Sprintf("visitor-%d", n), "phone", func(h *wirepb.Hello) {
			h.Network = &wirepb.Network{Radio: wirepb.Radio_RADIO_4G}
			h.Last = last
		})
		r.send(&wire.Bye{})
		r.wantClose(wire.CloseBye)
		return time.Duration(w.IntervalMs) * time.Millisecond
	}
	const safe, deadly = 225 * time.Second, 150 * time.Second
	cold := visit(secondEdge, nil)
	if cold < safe {
		t.Fatalf("the interval of a network that nothing is known of is %v: the test wants a longer one", cold)
	}
	reset := &wirepb.LastConnection{
		End: wirepb.LastConnection_END_RESET, FirstMissGapMs: deadly.Milliseconds(), ReconnectDelayMs: 2000,
	}
	for range 30 {
		visit(whole, reset)
	}
	if learned := visit(whole, nil); learned > deadly {
		t.Fatalf("where it was taught the interval is %v", learned)
	}
	var learned, there time.Duration
	eventually(t, "the other edge knows it", func() error {
		learned, there = visit(whole, nil), visit(secondEdge, nil)
		if there > deadly || there > learned*11/10 || there < learned*9/10 {
			return fmt.Errorf("the interval is %v, %v where it was taught, %v at first", there, learned, cold)
		}
		return nil
	})
	t.Logf("the interval was %v; it is %v where it was taught, and %v at the other edge", cold, learned, there)
}
