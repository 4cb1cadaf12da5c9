package session

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// roamer is a device's connection as over QUIC: its address may change.
type roamer struct {
	*memtransport.Conn

	mu sync.Mutex
	// Guarded by mu.
	from netip.AddrPort
	read []byte // ahead, by Await
}

var _ transport.Trier = (*roamer)(nil)

func (r *roamer) Kind() transport.Kind { return transport.QUIC }

func (r *roamer) RemoteAddr() netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from
}

func (r *roamer) roam(to netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.from = to
}

func (r *roamer) Await() {
	b := make([]byte, 1)
	n, _ := r.Conn.Read(b) // an error stays one
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = append(r.read, b[:n]...)
}

func (r *roamer) Read(p []byte) (int, error) {
	r.mu.Lock()
	n := copy(p, r.read)
	r.read = r.read[n:]
	r.mu.Unlock()
	if n > 0 {
		return n, nil
	}
	return r.Conn.Read(p)
}

func (r *roamer) TryWrite(p []byte) (bool, error) {
	_, err := r.Write(p)
	return true, err
}

// roamers makes roamers of what it accepts.
type roamers struct {
	*memtransport.Listener
	came chan *roamer // never closed
}

func (l roamers) Kind() transport.Kind { return transport.QUIC }

func (l roamers) Accept(ctx context.Context) (transport.Conn, error) {
	conn, err := l.Listener.Accept(ctx)
	if err != nil {
		return nil, err
	}
	r := &roamer{Conn: conn.(*memtransport.Conn), from: atHome}
	l.came <- r
	return r, nil
}

var (
	atHome    = netip.MustParseAddrPort("192.0.2.7:1024")
	otherPort = netip.MustParseAddrPort("192.0.2.7:1025")
	onTheRoad = netip.MustParseAddrPort("198.51.100.7:1024")
)

// mover keeps what the engine is told of networks that connections are in, and of
// mappings that were forgotten.
type mover struct {
	scripted
	paths   []heartbeat.Path // that connections moved to
	rebound []time.Duration  // after which silences
}

func (m *mover) Move(_ time.Time, _ *heartbeat.View, p heartbeat.Path) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paths = append(m.paths, p)
}

func (m *mover) Rebound(_ time.Time, _ *heartbeat.View, silence time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rebound = append(m.rebound, silence.Round(time.Second))
}

// A device on QUIC keeps its connection where it goes, and where its NAT forgets
// it. The edge finds out by its address, which it knows a moment after the first
// packet, and by what the device says of its network, which comes before that.
func TestRoaming(t *testing.T) {
	const silent = 2 * time.Minute
	of := func(a netip.AddrPort, radio heartbeat.Radio, id string) heartbeat.Path {
		return heartbeat.Path{Transport: heartbeat.QUIC, Radio: radio, Network: heartbeat.NetworkOf(a.Addr(), 0, radio, []byte(id))}
	}
	mobile := &wire.Network{Body: &wirepb.Network{Radio: wirepb.Radio_RADIO_4G}}
	wifi := &wire.Network{Body: &wirepb.Network{Radio: wirepb.Radio_RADIO_WIFI, IdHash: []byte("café")}}
	for name, tt := range map[string]struct {
		to      netip.AddrPort
		probe   time.Duration
		says    wire.Frame // with its first packet from there
		rebound []time.Duration
		at      heartbeat.Path // in the end; zero: it never moved
	}{
		"it stays":                         {to: atHome},
		"its NAT forgot it":                {to: otherPort, rebound: []time.Duration{silent}},
		"a Probe told that its NAT did":    {to: otherPort, probe: silent - afterProbe},
		"it moved, and does not say so":    {to: onTheRoad, at: of(onTheRoad, heartbeat.Wired, "")},
		"it moved to a mobile network":     {to: onTheRoad, says: mobile, at: of(onTheRoad, heartbeat.Cell4G, "")},
		"it moved to WiFi":                 {to: onTheRoad, says: wifi, at: of(onTheRoad, heartbeat.WiFi, "café")},
		"it moved behind the same address": {to: otherPort, says: wifi, at: of(otherPort, heartbeat.WiFi, "café")},
	} {
		t.Run(name, func(t *testing.T) {
			engine := &mover{scripted: scripted{plan: heartbeat.Plan{Interval: silent, Probe: tt.probe}}}
			inBubble(t, func(c *Config) { c.Heartbeat = engine }, func(e *edge) {
				l := roamers{memtransport.Listen(), make(chan *roamer, 1)}
				ctx, stop := context.WithCancel(context.Background())
				served := make(chan error, 1)
				go func() { served <- e.srv.Serve(ctx, l) }()
				defer func() { stop(); <-served }()
				d := (&edge{t: t, listener: l.Listener}).connect(func(h *wirepb.Hello) {
					h.Network = &wirepb.Network{Radio: wirepb.Radio_RADIO_WIRED}
				})
				conn := <-l.came
				if tt.probe > 0 {
					d.awaitProbe(tt.probe) // what it sends back comes from elsewhere
					time.Sleep(afterProbe)
				} else {
					time.Sleep(silent)
				}
				if tt.says != nil {
					d.send(tt.says)
				}
				d.send(&wire.Ping{})
				synctest.Wait()
				conn.roam(tt.to) // now that it is proven
				for range 3 {
					time.Sleep(silent - 2*afterProbe)
					d.send(&wire.Ping{})
				}
				time.Sleep(2 * lookAfter)
				synctest.Wait()
				engine.mu.Lock()
				defer engine.mu.Unlock()
				var at heartbeat.Path
				if n := len(engine.paths); n > 0 {
					at = engine.paths[n-1]
				}
				for _, p := range engine.paths {
					if p != tt.at && p.Network != (heartbeat.Network{}) {
						t.Errorf("the engine was told of a move to %+v, where the device never was", p)
					}
				}
				if at != tt.at || !slices.Equal(engine.rebound, tt.rebound) {
					t.Errorf("the engine was told of moves to %+v and of deaths after %v, want %+v in the end and %v",
						engine.paths, engine.rebound, tt.at, tt.rebound)
				}
			})
		})
	}
}
