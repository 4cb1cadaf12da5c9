package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// Devices come, take over from each other, vanish and break rules, while
// routers notify all of them: in the end nobody is left, no router waits
// without an answer, and the registry's last word on each session is that it
// is gone. In real time, for the race detector.
func TestChurn(t *testing.T) {
	e := newEdge(t, func(c *Config) { c.Limits.HelloTimeout = time.Second })
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for worker := range 16 {
		rnd := rand.New(rand.NewPCG(uint64(worker), 1))
		wg.Go(func() {
			for ctx.Err() == nil || e.srv.hub.last.Load() < 100 {
				churn(e, rnd)
			}
		})
	}
	for router := range 3 {
		name := fmt.Sprint("r", router)
		wg.Go(func() { notifyAll(ctx, e, name) })
	}
	wg.Wait()
	e.stop()
	for i := range shards {
		if n := len(e.srv.hub.conns[i].sessions) + e.srv.hub.devices[i].count; n != 0 {
			t.Errorf("shard %d holds %d entries", i, n)
		}
	}
	if got := e.counter("unidentified"); got != 0 {
		t.Errorf("%v unidentified connections are counted", got)
	}
}

// churn is one connection of one of a few devices.
func churn(e *edge, rnd *rand.Rand) {
	conn, err := e.listener.Dial(context.Background())
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseWithCode(0, "") }()
	write := func(f wire.Frame) { _, _ = conn.Write(wire.Append(nil, f)) }
	hello := &wirepb.Hello{Token: testToken(fmt.Sprint("d", rnd.IntN(8)), time.Hour), PushToken: "x"}
	write(&wire.Hello{Body: hello})
	reader := wire.NewReader(conn, wire.MaxPayload)
	for n := rnd.IntN(20); n > 0; n-- {
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		f, err := reader.Next()
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		switch f := f.(type) {
		case *wire.Notify:
			write(&wire.Ack{Kind: f.Kind, Version: f.Version})
		case *wire.Close:
			return
		}
		switch rnd.IntN(6) {
		case 0:
			write(&wire.Request{ID: uint64(n), Service: "a", Method: "b"})
		case 1:
			write(&wire.State{Background: n%2 == 0})
		case 2:
			write(&wire.Bye{Logout: n%2 == 0})
		case 3:
			write(&wire.Pong{}) // breaks a rule
		default:
			write(&wire.Ping{})
		}
	}
}

func notifyAll(ctx context.Context, e *edge, router string) {
	for version := int64(1); ctx.Err() == nil; version++ {
		last := e.srv.hub.last.Load()
		for conn := last - min(last, 20); conn <= last; conn++ {
			e.srv.Hub().Notify(conn, router, "messages", version, 0)
			if version%50 == 0 {
				e.srv.Hub().Heads(conn, []Head{{"contacts", version}})
			}
			if version%97 == 0 {
				e.srv.Hub().Supersede(conn)
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// FuzzSession feeds a session whatever a device may send. When the device
// goes, the session must be gone too, without a panic and from every map.
func FuzzSession(f *testing.F) {
	f.Add(wire.Append(nil, &wire.Ping{}))
	f.Add(wire.Append(wire.Append(nil, &wire.Ack{Kind: wire.Kind{Number: 1}, Version: 3}), &wire.Bye{}))
	f.Add(wire.Append(nil, &wire.Request{ID: 1, Service: "a", Method: "b", Body: []byte("x")}))
	f.Add(wire.Append(nil, &wire.Token{Body: &wirepb.Token{Token: "x", PushToken: "y"}}))
	f.Add(wire.Append(nil, &wire.Bye{Logout: true}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := newEdge(t, nil)
		d := e.connect(nil)
		_ = d.conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = d.conn.Write(b)
		_ = d.conn.CloseWithCode(0, "")
		e.stop()
	})
}
