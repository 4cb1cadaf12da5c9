package session

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// BenchmarkNotify is a notify to a device that reads and does not ack, with
// the write of its frame.
func BenchmarkNotify(b *testing.B) {
	e, devices := benchEdge(b, 1000)
	b.ReportAllocs()
	version := int64(0)
	for b.Loop() {
		version++
		e.Hub().Notify(uint64(version%int64(devices))+1, "r1", "messages", version, 0)
	}
}

// BenchmarkNotifyRepeated is a router that asks again.
func BenchmarkNotifyRepeated(b *testing.B) {
	e, _ := benchEdge(b, 1)
	e.Hub().Notify(1, "r1", "messages", 5, 0)
	b.ReportAllocs()
	for b.Loop() {
		e.Hub().Notify(1, "r1", "messages", 5, 0)
	}
}

func mustServer(t testing.TB) *Server {
	t.Helper()
	kinds := []string{"contacts", "messages"}
	srv, err := NewServer(Config{
		Verifier: testVerifier{}, Relay: hangingRelay, Registry: discardRegistry{},
		Kinds: func(string) []string { return kinds },
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

func benchEdge(b *testing.B, n int) (*Server, int) {
	b.Helper()
	srv := mustServer(b)
	l := memtransport.Listen()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ctx, l) }()
	b.Cleanup(func() { cancel(); <-done })
	for i := range n {
		conn, err := l.Dial(ctx)
		if err != nil {
			b.Fatal(err)
		}
		hello := &wirepb.Hello{Token: testToken(fmt.Sprint("d", i), time.Hour)}
		_, _ = conn.Write(wire.Append(nil, &wire.Hello{Body: hello}))
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
	for srv.Hub().Count() < n {
		time.Sleep(time.Millisecond)
	}
	return srv, n
}

type discardRegistry struct{}

func (discardRegistry) Register(Registration)                   {}
func (discardRegistry) Unregister(uint64)                       {}
func (discardRegistry) Answer(string, Answer)                   {}
func (discardRegistry) PutDevice(context.Context, Device) error { return nil }
func (discardRegistry) RemoveDevice(context.Context, string, string, string, string) error {
	return nil
}

// TestIdleMemory prints what an idle session costs above its transport, as a
// first figure; it asserts only the order of magnitude.
func TestIdleMemory(t *testing.T) {
	const n = 2000
	l := memtransport.Listen()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	srv := mustServer(t)
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ctx, l) }()
	defer func() { cancel(); <-done }()
	var conns []*memtransport.Conn
	empty := memory()
	pipes := make([]*memtransport.Conn, 0, 2*n)
	for range n {
		device, edge := memtransport.Pipe()
		pipes = append(pipes, device, edge)
	}
	pipe := (memory() - empty) / n
	runtime.KeepAlive(pipes)
	pipes = nil
	before := memory()
	for range n {
		conn, err := l.Dial(ctx)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	for i, conn := range conns {
		hello := &wirepb.Hello{Token: testToken(fmt.Sprint("d", i), time.Hour), Versions: []*wirepb.KindVersion{{Kind: "messages", Version: 7}}}
		_, _ = conn.Write(wire.Append(nil, &wire.Hello{Body: hello}))
		if _, err := wire.NewReader(conn, wire.MaxPayload).Next(); err != nil {
			t.Fatal(err)
		}
	}
	per := (memory()-before)/n - pipe
	t.Logf("an idle session takes %d bytes of heap and stack, without its transport", per)
	if per > 16<<10 {
		t.Errorf("%d bytes", per)
	}
}

func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
