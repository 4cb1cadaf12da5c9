package embednats

import (
	"net"
	"net/netip"
	"testing"
)

// Addresses that are held are given to nobody else, and stay clear of those of
// outgoing connections.
func TestFreeAddrsAreNotGivenTwice(t *testing.T) {
	seen := map[string]bool{}
	for range 20 {
		addrs, release, err := FreeAddrs(MaxFreeAddrs)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = release.Close() })
		for _, a := range addrs {
			port := netip.MustParseAddrPort(a).Port()
			if port < lowPort || port >= highPort || seen[a] {
				t.Errorf("address %s: want another one from %d to %d", a, lowPort, highPort)
			}
			seen[a] = true
		}
	}
}

func TestFreeAddrsAreFree(t *testing.T) {
	for range 100 {
		addrs, release, err := FreeAddrs(1)
		if err != nil {
			t.Fatal(err)
		}
		udp, err := net.ListenPacket("udp", addrs[0])
		if err != nil {
			t.Fatal(err)
		}
		if IsFree(addrs[0]) {
			t.Errorf("%s is called free with UDP in use", addrs[0])
		}
		_ = udp.Close()
		_ = release.Close()
	}
	if _, _, err := FreeAddrs(MaxFreeAddrs + 1); err == nil {
		t.Error("more than a block holds was given")
	}
}
