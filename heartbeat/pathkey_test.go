package heartbeat

import (
	"net/netip"
	"strings"
	"testing"
	"unsafe"
)

func TestKeys(t *testing.T) {
	home := NetworkOf(netip.MustParseAddr("192.0.2.7"), 0, WiFi, []byte("id"))
	for _, p := range []Path{{}, {Transport: QUIC, Radio: Wired}, {Radio: WiFi, Network: home}} {
		got, err := ParseKey(p.Key())
		if err != nil || got != p {
			t.Errorf("ParseKey(%q) = %v, %v, want %v", p.Key(), got, err, p)
		}
	}
	for _, key := range []string{"", "..", "tcp.wifi", "tcp.wifi.00", "tcp.wifi.ALL", "sctp.wifi.all", "tcp.8g.all", "tcp.wifi.all.all"} {
		if p, err := ParseKey(key); err == nil {
			t.Errorf("ParseKey(%q) = %v, want an error", key, p)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("tcp.wifi.all")
	f.Add(Path{Network: Network{1}}.Key())
	f.Fuzz(func(t *testing.T, key string) {
		if p, err := ParseKey(key); err == nil && p.Key() != key {
			t.Errorf("ParseKey(%q) has the key %q", key, p.Key())
		}
	})
}

func TestNetworks(t *testing.T) {
	of := func(addr string, asn uint32, r Radio, id string) Network {
		return NetworkOf(netip.MustParseAddr(addr), asn, r, []byte(id))
	}
	same := [][2]Network{
		{of("192.0.2.7", 0, Cell4G, ""), of("192.0.15.200", 0, Cell4G, "")},
		{of("::ffff:192.0.2.7", 0, Cell4G, ""), of("192.0.2.7", 0, Cell4G, "")},
		{of("2001:db8:1::1", 0, Cell4G, ""), of("2001:db8:ffff::1", 0, Cell4G, "")},
		{of("192.0.2.7", 64500, Cell4G, ""), of("198.51.100.7", 64500, Cell4G, "")},
		{of("192.0.2.7", 0, Cell4G, "claim"), of("192.0.2.7", 0, Cell4G, "")},
		{of("192.0.2.7", 64500, WiFi, "home"), of("192.0.2.8", 0, WiFi, "home")},
		{of("2001:db8:1:1::1", 0, WiFi, "home"), of("2001:db8:1:ffff::1", 0, WiFi, "home")},
		{of("fe80::1%eth0", 0, Cell4G, ""), of("fe80::1%eth1", 0, Cell4G, "")},
		{of("192.0.2.7", 0, WiFi, strings.Repeat("a", maxID)), of("192.0.2.7", 0, WiFi, strings.Repeat("a", 1<<20))},
	}
	for i, pair := range same {
		if pair[0] != pair[1] {
			t.Errorf("pair %d: two networks, want one", i)
		}
	}
	other := [][2]Network{
		{of("192.0.2.7", 0, Cell4G, ""), of("192.0.16.7", 0, Cell4G, "")},
		{of("192.0.2.7", 0, WiFi, "home"), of("192.0.2.7", 0, WiFi, "other")},
		{of("192.0.2.7", 0, WiFi, "home"), of("192.0.3.7", 0, WiFi, "home")},
		{of("192.0.2.7", 64500, WiFi, "home"), of("198.51.100.7", 64500, WiFi, "home")},
		{of("2001:db8:1::1", 0, WiFi, "home"), of("2001:db8:2::1", 0, WiFi, "home")},
		{of("2001:db8::1", 0, Cell4G, ""), of("2001:db9::1", 0, Cell4G, "")},
		{of("192.0.2.7", 64500, Cell4G, ""), of("192.0.2.7", 64501, Cell4G, "")},
	}
	for i, pair := range other {
		if pair[0] == pair[1] {
			t.Errorf("pair %d: one network, want two", i)
		}
	}
	if got := NetworkOf(netip.Addr{}, 1, WiFi, []byte("home")); got != (Network{}) {
		t.Errorf("a device without an address has network %x", got)
	}
}

func TestViewIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(View{}); size != 16 {
		t.Errorf("a view has %d bytes, want 16", size)
	}
}
