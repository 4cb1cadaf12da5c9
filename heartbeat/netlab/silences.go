package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

// silences are the times in which no packet passed between phones and their
// NAT, as the NAT saw it: what its timeouts are about.
type silences struct {
	tcp bool

	mu sync.Mutex
	// Guarded by mu.
	last map[inside]time.Time
	all  []quietTime // in the order of their ends
}

type quietTime struct {
	length time.Duration
	end    time.Time
}

// leastSilence is what is shorter than any beat's: packets that belong
// together.
const leastSilence = 500 * time.Millisecond

func newSilences(tcp bool) *silences {
	return &silences{tcp: tcp, last: map[inside]time.Time{}}
}

// listen takes up the packets of a NAT until ctx ends.
func (s *silences) listen(ctx context.Context, n *nat) error {
	packets, err := n.gate.Packets()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { packets.Close() })()
	defer packets.Close()
	header := make([]byte, 64)
	for {
		got, err := packets.Read(header)
		switch {
		case errors.Is(err, os.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("read the packets of NAT %d: %w", n.number, err)
		}
		if at, ok := endOf(header[:got], s.tcp); ok {
			s.packet(at, time.Now())
		}
	}
}

// packet notes one.
func (s *silences) packet(of inside, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, known := s.last[of]; known && at.Sub(before) >= leastSilence {
		s.all = append(s.all, quietTime{at.Sub(before), at})
	}
	s.last[of] = at
}

// shares are quantiles 0.1, 0.5 and 0.9 of the silences that ended from a
// moment on, over a timeout: of the one that a phone is in when one looks at
// any time. 0 without any.
func (s *silences) shares(from time.Time, timeout time.Duration) (low, middle, high float64) {
	s.mu.Lock()
	var some []time.Duration
	for i := len(s.all) - 1; i >= 0 && !s.all[i].end.Before(from); i-- {
		some = append(some, s.all[i].length)
	}
	s.mu.Unlock()
	slices.Sort(some)
	share := func(q float64) float64 { return float64(byLength(some, q)) / float64(timeout) }
	return share(0.1), share(0.5), share(0.9)
}

// byLength is a quantile of lengths in order, in which each counts as much as
// it is long; 0 of none.
func byLength(sorted []time.Duration, q float64) time.Duration {
	var sum time.Duration
	for _, d := range sorted {
		sum += d
	}
	rest := time.Duration(q * float64(sum))
	for _, d := range sorted {
		if rest -= d; rest <= 0 {
			return d
		}
	}
	return 0
}

// home is where the devices' addresses are from.
var home = netip.MustParsePrefix("192.168.0.0/16")

// endOf is the device's end of an IPv4 packet in the device's own network.
func endOf(packet []byte, tcp bool) (at inside, ok bool) {
	const tcpNumber, udpNumber, addresses, least = 6, 17, 12, 20
	if len(packet) < least || packet[0]>>4 != 4 {
		return at, false
	}
	ports := int(packet[0]&15) * 4
	number := packet[9]
	if len(packet) < ports+4 || tcp && number != tcpNumber || !tcp && number != udpNumber {
		return at, false
	}
	for i := range 2 { // source, then destination
		addr := netip.AddrFrom4([4]byte(packet[addresses+4*i:]))
		if home.Contains(addr) {
			return inside{addr.String(), int(binary.BigEndian.Uint16(packet[ports+2*i:]))}, true
		}
	}
	return at, false
}
