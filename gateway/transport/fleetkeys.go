package transport

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	// ticketPeriod is for how long one key encrypts TLS session tickets. The
	// periods count from 1970, so that all edges change keys at the same time.
	ticketPeriod = 24 * time.Hour
	// ticketsBack is how many earlier keys still open tickets: one is good for
	// two days at least.
	ticketsBack = 2
	// ticketsLooked is how often the keys are set anew by the clock at least.
	ticketsLooked = 10 * time.Minute
)

// fleetKeys derives what the listeners of a fleet have in common from its
// secret, so that a device is known at the edge that it comes to next.
type fleetKeys struct{ secret []byte }

// newFleetKeys makes up a secret where there is none.
func newFleetKeys(secret []byte) fleetKeys {
	if len(secret) == 0 {
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
	}
	return fleetKeys{secret}
}

// derive fills key. What it is for keeps the keys apart.
func (f fleetKeys) derive(key []byte, what string) error {
	derived, err := hkdf.Key(sha256.New, f.secret, nil, what, len(key))
	if err != nil {
		return fmt.Errorf("transport: derive the key of %s: %w", what, err)
	}
	copy(key, derived)
	return nil
}

// reset is the key of stateless resets (RFC 9000, section 10.3): a listener
// that takes the place of one that died tells the devices of its dead
// connections so, with their first packet.
func (f fleetKeys) reset() (*quic.StatelessResetKey, error) {
	key := new(quic.StatelessResetKey)
	return key, f.derive(key[:], "hawser quic stateless reset v1")
}

// token is the key of address validation (RFC 9000, section 8.1): a device
// that has proved its address to one edge has done so to all.
func (f fleetKeys) token() (*quic.TokenGeneratorKey, error) {
	key := new(quic.TokenGeneratorKey)
	return key, f.derive(key[:], "hawser quic address validation v1")
}

// node is what a node's name becomes in connection IDs.
func (f fleetKeys) node(name string) (tag [nodeLen]byte, err error) {
	return tag, f.derive(tag[:], "hawser quic node v1 "+name)
}

// tickets are the keys of TLS session tickets at a time: the first encrypts,
// all of them open. Clocks differ, so the one that comes next is among them.
func (f fleetKeys) tickets(now time.Time) ([][32]byte, error) {
	period := now.Unix() / int64(ticketPeriod/time.Second)
	keys := make([][32]byte, 0, ticketsBack+2)
	for _, p := range []int64{period, period + 1, period - 1, period - 2} {
		var key [32]byte
		what := string(binary.BigEndian.AppendUint64([]byte("hawser tls ticket v1 "), uint64(p)))
		if err := f.derive(key[:], what); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// keepTickets sets the ticket keys of a configuration and changes them as time
// goes by, until the listener is closed.
func (g *gate) keepTickets(config *tls.Config, f fleetKeys) error {
	keys, err := f.tickets(time.Now())
	if err != nil {
		return err
	}
	config.SetSessionTicketKeys(keys)
	g.running.Go(func() {
		for g.pause(untilNextTickets(time.Now())) {
			if keys, err := f.tickets(time.Now()); err == nil { // as it did before
				config.SetSessionTicketKeys(keys)
			}
		}
	})
	return nil
}

// untilNextTickets is until the period's end, or less: a clock that was wrong
// at first, or a machine that slept, is not to have keys of its own for a day.
func untilNextTickets(now time.Time) time.Duration {
	return min(now.Truncate(ticketPeriod).Add(ticketPeriod).Sub(now), ticketsLooked)
}
