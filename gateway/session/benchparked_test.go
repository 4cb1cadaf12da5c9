package session

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// acker is a parked connection whose device acknowledges what it is notified of.
// It costs next to nothing, so that what is measured is the session.
type acker struct {
	transport.Conn // of Hello, and not used afterwards but for its end
	handler        transport.Handler
	ack            []byte // comes next
}

func (c *acker) Park(h transport.Handler) { c.handler = h; h.Ready() }
func (c *acker) Backlog() bool            { return false }

func (c *acker) SetReadDeadline(time.Time) error  { return nil }
func (c *acker) SetWriteDeadline(time.Time) error { return nil }

func (c *acker) Write(p []byte) (int, error) { return len(p), nil }

func (c *acker) Read(p []byte) (int, error) {
	if c.handler == nil {
		return c.Conn.Read(p)
	}
	if len(c.ack) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(p, c.ack)
	c.ack = c.ack[n:]
	return n, nil
}

func (c *acker) CloseWithCode(code uint16, reason string) error {
	go c.handler.Ready() // for the last time
	return c.Conn.CloseWithCode(code, reason)
}

// ackers is a listener of them.
type ackers struct {
	transport.Listener
	all []*acker
}

func (l *ackers) Accept(ctx context.Context) (transport.Conn, error) {
	c, err := l.Listener.Accept(ctx)
	if err != nil {
		return nil, err
	}
	a := &acker{Conn: c}
	l.all = append(l.all, a)
	return a, nil
}

// BenchmarkNotifyAcked is a notify, from the router's to its acknowledgement,
// to sessions on parked connections.
func BenchmarkNotifyAcked(b *testing.B) {
	const devices = 5000 // none says more than a session may in a second
	srv := mustServer(b)
	mem := memtransport.Listen()
	l := &ackers{Listener: mem}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ctx, l) }()
	b.Cleanup(func() { cancel(); <-done })
	for i := range devices {
		conn, err := mem.Dial(ctx)
		if err != nil {
			b.Fatal(err)
		}
		hello := &wirepb.Hello{Token: testToken(fmt.Sprint("d", i), time.Hour)}
		_, _ = conn.Write(wire.Append(nil, &wire.Hello{Body: hello}))
		for srv.Hub().Count() <= i || l.all[i].handler == nil {
			runtime.Gosched()
		}
	}
	b.ReportAllocs()
	version := int64(1832960000000 << 10 & wire.MaxVersion)
	var ack []byte
	for b.Loop() {
		version++
		n := version % devices
		if a := srv.Hub().Notify(uint64(n)+1, "r1", "messages", version, version-1); a.State != InFlight {
			b.Fatal(a)
		}
		ack = wire.Append(ack[:0], &wire.Ack{Kind: wire.Kind{Number: 2}, Version: version})
		l.all[n].ack = ack
		l.all[n].handler.Ready()
	}
}
