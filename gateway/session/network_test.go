package session

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// greeter keeps what a Hello told the engine.
type greeter struct {
	scripted
	arrival heartbeat.Arrival
}

func (g *greeter) Open(now time.Time, a heartbeat.Arrival) heartbeat.View {
	g.arrival = a
	return g.scripted.Open(now, a)
}

// What the engine is told of a device that arrives: its network, by what the
// edge sees and the device says, and who it is, without which one device could
// speak for many.
func TestArrival(t *testing.T) {
	engine := &greeter{scripted: scripted{plan: heartbeat.Plan{Interval: time.Minute}}}
	inBubble(t, func(c *Config) { c.Heartbeat = engine }, func(e *edge) {
		wifi := &wirepb.Network{Radio: wirepb.Radio_RADIO_WIFI, IdHash: []byte("home")}
		e.connect(func(h *wirepb.Hello) { h.Network, h.Background = wifi, true })
		synctest.Wait()
		addr := netip.MustParseAddr("127.0.0.1")
		want := heartbeat.Arrival{
			Path:  heartbeat.Path{Radio: heartbeat.WiFi, Network: heartbeat.NetworkOf(addr, 0, heartbeat.WiFi, []byte("home"))},
			Peer:  e.srv.peer(deviceKey{"acme", "anna", "phone"}, addr),
			State: heartbeat.State{Background: true},
		}
		if engine.arrival != want {
			t.Errorf("the engine was told %+v, want %+v", engine.arrival, want)
		}
	})
}

// Who devices are: each itself, all of an address a subscriber, all of its
// surroundings a block.
func TestPeer(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		of := func(device, addr string) heartbeat.Peer {
			a, _ := netip.ParseAddr(addr)
			return e.srv.peer(deviceKey{"acme", "anna", device}, a)
		}
		for _, tt := range []struct {
			a, b                      heartbeat.Peer
			device, subscriber, block bool // are the same
		}{
			{of("phone", "192.0.2.7"), of("phone", "192.0.2.7"), true, true, true},
			{of("phone", "192.0.2.7"), of("tablet", "::ffff:192.0.2.7"), false, true, true},
			{of("phone", "192.0.2.7"), of("phone", "192.0.2.8"), true, false, true},
			{of("phone", "192.0.2.7"), of("phone", "192.0.3.7"), true, false, false},
			{of("phone", "2001:db8:1:1::1"), of("tablet", "2001:db8:1:1::2"), false, true, true},
			{of("phone", "2001:db8:1:1::1"), of("phone", "2001:db8:1:2::1"), true, false, true},
			{of("phone", "2001:db8:1:1::1"), of("phone", "2001:db8:2:1::1"), true, false, false},
		} {
			if (tt.a.Device == tt.b.Device) != tt.device || (tt.a.Subscriber == tt.b.Subscriber) != tt.subscriber || (tt.a.Block == tt.b.Block) != tt.block {
				t.Errorf("%+v and %+v: the same are the device %v, the subscriber %v, the block %v", tt.a, tt.b, tt.device, tt.subscriber, tt.block)
			}
		}
		if p := of("phone", ""); p.Device == 0 || p.Subscriber != 0 || p.Block != 0 {
			t.Errorf("without an address: %+v", p)
		}
	})
}

// A network is what carries the connection, the radio, and where the edge sees
// the device.
func TestPath(t *testing.T) {
	at := netip.MustParseAddr("192.0.2.7")
	radios := map[wirepb.Radio]heartbeat.Radio{
		wirepb.Radio_RADIO_UNSPECIFIED: heartbeat.Unknown,
		wirepb.Radio_RADIO_WIFI:        heartbeat.WiFi,
		wirepb.Radio_RADIO_2G:          heartbeat.Cell2G,
		wirepb.Radio_RADIO_3G:          heartbeat.Cell3G,
		wirepb.Radio_RADIO_4G:          heartbeat.Cell4G,
		wirepb.Radio_RADIO_5G:          heartbeat.Cell5G,
		wirepb.Radio_RADIO_WIRED:       heartbeat.Wired,
		99:                             heartbeat.Unknown,
	}
	for kind, carrier := range map[transport.Kind]heartbeat.Transport{transport.TCP: heartbeat.TCP, transport.QUIC: heartbeat.QUIC} {
		for says, radio := range radios {
			want := heartbeat.Path{Transport: carrier, Radio: radio, Network: heartbeat.NetworkOf(at, 0, radio, []byte("id"))}
			if got := path(kind, at, &wirepb.Network{Radio: says, IdHash: []byte("id")}); got != want {
				t.Errorf("over %s, %s: %+v, want %+v", kind, says, got, want)
			}
		}
	}
}

// What ended the last connection, as far as it says something of the network.
func TestReportedEnds(t *testing.T) {
	for end, want := range map[wirepb.LastConnection_End]heartbeat.How{
		wirepb.LastConnection_END_UNSPECIFIED:     heartbeat.HowOther,
		wirepb.LastConnection_END_LOCAL:           heartbeat.HowOther,
		wirepb.LastConnection_END_TOLD:            heartbeat.HowOther,
		wirepb.LastConnection_END_RESET:           heartbeat.HowReset,
		wirepb.LastConnection_END_TIMEOUT:         heartbeat.HowTimeout,
		wirepb.LastConnection_END_NETWORK_CHANGED: heartbeat.HowOther,
		99: heartbeat.HowOther,
	} {
		if got := report(&wirepb.LastConnection{End: end}).How; got != want {
			t.Errorf("%s is %d, want %d", end, got, want)
		}
	}
}

// How a connection ended, as the edge saw it.
func TestEndings(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(*edge, *device)
		want heartbeat.Ending
	}{
		"reset":    {func(_ *edge, d *device) { d.conn.Reset() }, heartbeat.EndReset},
		"replaced": {func(e *edge, _ *device) { e.connect(nil) }, heartbeat.EndReplaced},
		"closed":   {func(_ *edge, d *device) { _ = d.conn.CloseWithCode(0, "") }, heartbeat.EndOther},
		"silent":   {func(*edge, *device) { time.Sleep(heartbeat.Deadline(time.Minute)) }, heartbeat.EndIdle},
	} {
		t.Run(name, func(t *testing.T) {
			engine := &scripted{plan: heartbeat.Plan{Interval: time.Minute}}
			inBubble(t, func(c *Config) { c.Heartbeat = engine }, func(e *edge) {
				d := e.connect(nil)
				time.Sleep(time.Second)
				tt.end(e, d)
				synctest.Wait()
				told := engine.take()
				if strings.Count(told, "closed ") != 1 || !strings.Contains(told, fmt.Sprintf("closed %d ", tt.want)) {
					t.Errorf("the engine was told %q, want one end, %d", told, tt.want)
				}
			})
		})
	}
}

// No claim of a device overflows into another one.
func TestClaimedTimesAreBounded(t *testing.T) {
	for ms, want := range map[int64]time.Duration{
		250: 250 * time.Millisecond, 0: 0, -1: -time.Millisecond, -9_223_372_036_855: -time.Millisecond,
		math.MinInt64: -time.Millisecond, math.MaxInt64: maxLease.Truncate(time.Millisecond),
	} {
		if got := millisToTime(ms); got != want {
			t.Errorf("%d ms: %v, want %v", ms, got, want)
		}
	}
}
