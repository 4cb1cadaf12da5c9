package main

import (
	"testing"
	"time"
)

// TestSilencesBetweenPackets has packets of two phones.
func TestSilencesBetweenPackets(t *testing.T) {
	s, began := newSilences(true), time.Unix(1000, 0)
	one, other := inside{"192.168.1.2", 40000}, inside{"192.168.1.2", 40001}
	for _, p := range []struct {
		of inside
		at time.Duration
	}{
		{one, 0}, {other, time.Second}, {one, 8 * time.Second}, {one, 8*time.Second + 40*time.Millisecond},
		{other, 9 * time.Second}, {one, 9 * time.Second}, {one, 17 * time.Second},
	} {
		s.packet(p.of, began.Add(p.at))
	}
	// 8 s three times, and about 1 s once.
	low, middle, high := s.shares(began, 10*time.Second)
	if low != 0.8 || middle != 0.8 || high != 0.8 {
		t.Errorf("shares are %v, %v, %v", low, middle, high)
	}
	if _, middle, _ := s.shares(began.Add(18*time.Second), 10*time.Second); middle != 0 {
		t.Errorf("%v of silences that have not been", middle)
	}
}

func TestQuantileByLength(t *testing.T) {
	sorted := []time.Duration{1, 1, 1, 1, 6}
	for q, want := range map[float64]time.Duration{0.1: 1, 0.3: 1, 0.5: 6, 0.9: 6} {
		if got := byLength(sorted, q); got != want {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
}

// TestDevicesEndOfPackets reads them as they come from the kernel.
func TestDevicesEndOfPackets(t *testing.T) {
	packet := func(number byte, from, to [4]byte) []byte {
		p := make([]byte, 24)
		p[0], p[9] = 0x45, number
		copy(p[12:], from[:])
		copy(p[16:], to[:])
		copy(p[20:], []byte{0x9c, 0x40, 0x1d, 0x13}) // 40000, 7443
		return p
	}
	home, edge, outer := [4]byte{192, 168, 3, 2}, [4]byte{10, 77, 0, 1}, [4]byte{10, 100, 3, 2}
	for _, c := range []struct {
		what   string
		packet []byte
		want   inside
	}{
		{"to the edge", packet(6, home, edge), inside{"192.168.3.2", 40000}},
		{"from the edge", packet(6, edge, home), inside{"192.168.3.2", 7443}},
		{"beyond the NAT", packet(6, outer, edge), inside{}},
		{"another transport", packet(17, home, edge), inside{}},
		{"cut", packet(6, home, edge)[:22], inside{}},
		{"IPv6", []byte{0x60, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, inside{}},
	} {
		if got, ok := endOf(c.packet, true); got != c.want || ok != (got != inside{}) {
			t.Errorf("%s: %v, %v, want %v", c.what, got, ok, c.want)
		}
	}
}
