package hostiletest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport/tlspeer"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// attack is what many connections do at once. When do returns the connection is
// reset, if the edge has not ended it by then.
type attack struct {
	name string
	// counted is how each of them has to be counted.
	counted string
	// extra is how many more there are, which are counted as also.
	extra int
	also  string
	// far: they come from an address that the edge bounds.
	far bool
	// slow ones wait for something: those are made together.
	slow bool
	do   func(a *attacker) error
}

// Before TLS is through.
var beforeTLS = []attack{
	{name: "not a byte", counted: "rejected timeout", slow: true, do: func(a *attacker) error {
		return a.then(a.dial(), a.ended)
	}},
	{name: "the hello of TLS a byte at a time", counted: "rejected timeout", slow: true, do: func(a *attacker) error {
		return a.then(a.dial(), func() error { return a.drip(clientHello(a.edge.tls)) })
	}},
	{name: "half of TLS", counted: "rejected timeout", slow: true, do: func(a *attacker) error {
		return a.then(a.dial(), a.send(clientHello(a.edge.tls)), a.ended)
	}},
	{name: "no TLS", counted: "rejected not_tls", do: func(a *attacker) error {
		return a.then(a.dial(), a.send(bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 100)), a.ended)
	}},
	{name: "a record of impossible length", counted: "rejected not_tls", do: func(a *attacker) error {
		return a.then(a.dial(), a.send([]byte{22, 3, 1, 0xff, 0xff}), a.ended)
	}},
	{name: "a hello of TLS without an end", counted: "rejected tls", do: func(a *attacker) error {
		return a.then(a.dial(), a.send(endlessHello()), a.ended)
	}},
	{name: "reset in the handshake", counted: "rejected gone", do: func(a *attacker) error {
		return a.then(a.dial(), a.send(clientHello(a.edge.tls)[:100]))
	}},
	{name: "reset at once", counted: "rejected gone", do: func(a *attacker) error { return a.dial() }},
	{name: "closed at once", counted: "rejected gone", do: func(a *attacker) error {
		return a.then(a.dial(), func() error { return a.tcp.CloseWrite() }, a.ended)
	}},
	{name: "too many of an address", counted: "rejected address_unfinished", slow: true, far: true, extra: unfinishedPerAddress, also: "rejected timeout", do: func(a *attacker) error {
		// The first ones are let in, and take the places.
		return a.then(a.dial(), a.ended)
	}},
}

// endlessHello says that its message has 16 MiB, in records that hold 16 KiB.
func endlessHello() (b []byte) {
	record := append([]byte{22, 3, 1, 0x40, 0}, make([]byte, 16<<10)...)
	copy(record[5:], []byte{1, 0xff, 0xff, 0xff})
	return bytes.Repeat(record, 8)
}

// Before Hello.
var beforeHello = []attack{
	{name: "never Hello", counted: "refused hello_timeout", slow: true, do: func(a *attacker) error { return a.then(a.shake(), a.ended) }},
	{name: "Hello a byte at a time", counted: "refused hello_timeout", slow: true, do: func(a *attacker) error {
		return a.then(a.shake(), func() error { return a.drip(a.tls.Record(tlspeer.Data, a.hello(), 0)) })
	}},
	{name: "a frame of impossible length before Hello", counted: "refused too_large", do: func(a *attacker) error {
		return a.then(a.shake(), a.frames([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), a.ended)
	}},
	{name: "a token of 60 KB", counted: "refused too_large", do: func(a *attacker) error {
		return a.then(a.shake(), a.frames(helloOf(strings.Repeat("x", 60_000))), a.ended)
	}},
	{name: "a token of 7 KB", counted: "refused bad_token", do: func(a *attacker) error {
		return a.then(a.shake(), a.frames(helloOf(strings.Repeat("x", 7_000))), a.ended)
	}},
	{name: "a token of another key", counted: "refused bad_token", do: func(a *attacker) error {
		jwt, err := a.edge.stolen.Sign(a.id(), time.Now())
		return a.then(err, a.shake, a.frames(helloOf(jwt)), a.ended)
	}},
	{name: "an expired token", counted: "refused token_expired", do: func(a *attacker) error {
		id := a.id()
		id.ExpiresAt = time.Now().Add(-time.Hour)
		jwt, err := a.edge.signer.Sign(id, time.Now().Add(-2*time.Hour))
		return a.then(err, a.shake, a.frames(helloOf(jwt)), a.ended)
	}},
	{name: "another frame first", counted: "refused not_hello", do: func(a *attacker) error {
		return a.then(a.shake(), a.frames(wire.Append(nil, &wire.Ping{})), a.ended)
	}},
	{name: "forged records", counted: "refused transport_error", do: func(a *attacker) error {
		return a.then(a.shake(), a.send([]byte("\x17\x03\x03\x00\x20 thirty-two bytes of no meaning.")), a.ended)
	}},
	{name: "reset instead of Hello", counted: "refused transport_error", do: func(a *attacker) error {
		// Half a record, so that the end is no orderly one whoever is first.
		return a.then(a.shake(), a.send([]byte{23, 3, 3, 0}))
	}},
}

// Behind Welcome.
var behindWelcome = []attack{
	{name: "malformed frames", counted: "closed malformed", do: func(a *attacker) error {
		return a.then(a.greet(), a.frames([]byte{byte(wire.TypeAck), 1, 0xff}), a.ended)
	}},
	{name: "a frame of impossible length", counted: "closed too_large", do: func(a *attacker) error {
		return a.then(a.greet(), a.frames([]byte{byte(wire.TypeRequest), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), a.ended)
	}},
	{name: "frames of the edge", counted: "closed wrong_direction", do: func(a *attacker) error {
		return a.then(a.greet(), a.frames(wire.Append(nil, &wire.Pong{})), a.ended)
	}},
	{name: "Hello again", counted: "closed second_hello", do: func(a *attacker) error {
		return a.then(a.greet(), a.frames(a.hello()), a.ended)
	}},
	{name: "a token of another device", counted: "closed token_of_another", do: func(a *attacker) error {
		id := a.id()
		id.Device = "other"
		jwt, err := a.edge.signer.Sign(id, time.Now())
		return a.then(err, a.greet, a.frames(wire.Append(nil, &wire.Token{Body: &wirepb.Token{Token: jwt}})), a.ended)
	}},
	{name: "a flood of frames", counted: "closed frame_rate", do: func(a *attacker) error {
		return a.then(a.greet(), a.frames(bytes.Repeat(wire.Append(nil, &wire.Ping{}), 1000)), a.ended)
	}},
	{name: "records without data", counted: "closed transport_error", do: func(a *attacker) error {
		return a.then(a.greet(), func() error {
			for range 20 {
				if _, err := a.tcp.Write(a.tls.Record(tlspeer.Data, nil, 1000)); err != nil {
					break
				}
			}
			return a.ended()
		})
	}},
	{name: "a new handshake", counted: "closed transport_error", do: func(a *attacker) error {
		return a.then(a.greet(), func() error {
			return a.then(nil, a.send(a.tls.Record(tlspeer.Handshake, clientHello(a.edge.tls)[5:], 0)), a.ended)
		})
	}},
	{name: "half of a message of 60 KB of TLS", counted: "closed transport_error", do: func(a *attacker) error {
		return a.then(a.greet(), func() error {
			record := a.tls.Record(tlspeer.Handshake, append([]byte{4, 0, 0xf0, 0}, make([]byte, 16_000)...), 0)
			return a.then(nil, a.send(record), a.send(a.tls.Record(tlspeer.Data, []byte{2}, 0)), a.ended)
		})
	}},
	{name: "a flood of key updates, read", counted: "closed peer_closed", slow: true, do: func(a *attacker) error {
		ended := make(chan error, 1)
		return a.then(a.greet(), func() error {
			go func() { ended <- a.ended() }()
			return a.updateKeys(300)
		}, func() error { return a.then(nil, a.send(a.tls.CloseNotify())) }, func() error { return <-ended })
	}},
	{name: "half-closed", counted: "closed peer_closed", do: func(a *attacker) error {
		return a.then(a.greet(), func() error { return a.tcp.CloseWrite() }, a.ended)
	}},
	{name: "reset", counted: "closed transport_error", do: func(a *attacker) error { return a.greet() }},
	{name: "one identity for all", counted: "closed superseded", extra: 1, also: "closed transport_error", do: func(a *attacker) error {
		a.n = 0
		return a.then(a.shake(), a.frames(a.hello()), a.endedBut)
	}},
	{name: "deaf to answers", counted: "closed too_slow", slow: true, do: func(a *attacker) error {
		return a.then(a.greet(), func() error {
			_ = a.tcp.SetReadBuffer(4096)
			for id := uint64(1); ; id++ {
				request := &wire.Request{ID: id, Service: "echo", Method: "large", Body: []byte("x")}
				if err := a.say(wire.Append(nil, request)); err != nil {
					return nil
				}
				time.Sleep(30 * time.Millisecond)
			}
		})
	}},
}

// then does one thing after the other while they succeed.
func (a *attacker) then(err error, steps ...func() error) error {
	for _, step := range steps {
		if err != nil {
			return err
		}
		err = step()
	}
	return err
}

// send sends bytes as they are. The edge may have ended the connection.
func (a *attacker) send(b []byte) func() error {
	return func() error { _, _ = a.tcp.Write(b); return nil }
}

// frames sends bytes behind the handshake.
func (a *attacker) frames(b []byte) func() error {
	return func() error { _ = a.say(b); return nil }
}

// updateKeys asks for n key updates, with a frame now and then, without which
// TLS ends it.
func (a *attacker) updateKeys(n int) error {
	for i := range n {
		b := a.tls.KeyUpdate(true)
		if i%10 == 9 {
			b = append(b, a.tls.Record(tlspeer.Data, wire.Append(nil, &wire.State{}), 0)...)
			time.Sleep(50 * time.Millisecond) // fewer frames a second than are too many
		}
		if _, err := a.tcp.Write(b); err != nil {
			return fmt.Errorf("after %d key updates: %w", i, err)
		}
	}
	return nil
}
