package transport_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// until waits for something that comes to be true by itself.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

// dialed connects as a device does that says something at once.
func dialed(t *testing.T, r *rejecting, dial dial) (transport.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	device, err := dial(ctx, r.addr(), r.client)
	if err == nil {
		t.Cleanup(func() { _ = device.CloseWithCode(0, "") })
		_, err = device.Write([]byte{1})
	}
	return device, err
}

// nobody handles a connection that is over.
type nobody struct{}

func (nobody) Ready()        {}
func (nobody) Drained(error) {}

// A source has so many unfinished connections and so many in all; what it gives
// back, it may have again.
func TestSources(t *testing.T) {
	for _, i := range implementations {
		t.Run(i.name, func(t *testing.T) {
			sources := admission.NewSources(admission.Limits{UnfinishedPerAddress: 1, PerAddress: 2})
			r := newRejecting(t, i.listen, transport.ListenConfig{Sources: sources, HandshakeTimeout: 5 * time.Second})
			accept := func() transport.Conn {
				t.Helper()
				// A first packet of QUIC that was refused and comes once more, later,
				// begins a handshake that nobody ends: it has its place until that
				// took too long.
				until(t, "a connection", func() bool {
					for len(r.reasons) > 0 {
						<-r.reasons
					}
					_, err := dialed(t, r, i.dial)
					return err == nil
				})
				edge, err := r.Accept(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return edge
			}
			refused := func(reason string) {
				t.Helper()
				_, _ = dialed(t, r, i.dial) // a reset may come later
				// A first packet of QUIC may come, and be refused, several times.
				until(t, "a refusal for "+reason, func() bool { return <-r.reasons == reason })
			}
			first := accept()
			refused("address_unfinished")
			transport.Welcomed(first)
			second := accept()
			transport.Welcomed(second)
			refused("address_full")
			_ = first.CloseWithCode(3000, "")
			if p, ok := first.(transport.Parker); ok {
				p.Park(nobody{}) // which has to be, to be closed
			}
			until(t, "the end of the first connection", func() bool {
				var probe admission.Place
				defer sources.Leave(&probe)
				return sources.Enter(&probe, r.Addr().Addr()) == admission.Admitted
			})
			_ = second.CloseWithCode(3000, "")
			third := accept()
			_ = third.CloseWithCode(3000, "") // never welcomed
			until(t, "the end of the third connection", func() bool { return sources.Unfinished() == 0 })
		})
	}
}

// Clients that do not go on with their handshake do not keep others away.
func TestOldHandshakesMakeRoom(t *testing.T) {
	r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{MaxHandshakes: 2})
	for range 4 {
		raw, err := net.Dial("tcp", r.addr())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
	}
	accepted(t, r, transport.DialTCP)
	r.expect(t, transport.RejectBusy)
}

// Without room or descriptors a connection is reset before it costs anything.
func TestNoRoom(t *testing.T) {
	t.Run("files", func(t *testing.T) {
		r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{MaxSockets: 1})
		accepted(t, r, transport.DialTCP)
		_, _ = dialed(t, r, transport.DialTCP)
		r.expect(t, transport.RejectFiles)
		if n := transport.Sockets(r.Listener); n != 1 {
			t.Errorf("%d sockets", n)
		}
	})
	for _, i := range implementations {
		t.Run("memory over "+i.name, func(t *testing.T) {
			r := newRejecting(t, i.listen, transport.ListenConfig{Room: func() bool { return false }})
			_, _ = dialed(t, r, i.dial)
			r.expect(t, transport.RejectMemory)
		})
	}
}

// However few may compute at once, handshakes that wait for their clients are
// in nobody's way.
func TestHandshakersWait(t *testing.T) {
	r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{Handshakers: 1})
	for range 20 {
		raw, err := net.Dial("tcp", r.addr())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		send("\x16\x03\x01\x02\x00half")(raw, nil)
	}
	for range 20 {
		accepted(t, r, transport.DialTCP)
	}
}
