//go:build linux

package session

import (
	"bytes"
	"context"
	"crypto/tls"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/prometheus/client_golang/prometheus"
)

// FuzzParked lets a script say how a device's bytes reach an edge on a real
// socket: which frames they are, how frames are cut into TLS records, records
// into segments, where the device waits, changes its keys, reads nothing, and
// how it ends; see player. Each frame that arrived has to be handled once and in
// order, each answer has to arrive whole, the connection to end with the right
// reason, and nothing of it to stay behind.
func FuzzParked(f *testing.F) {
	for _, seed := range [][]byte{
		{},
		{0xff, 3, 200, 1, opNetwork, 1, opPing, opRecord, 2, 0, opSegment, 3, opPause, opRecord, 200, 9},
		{0, opNetwork, 1, opNetwork, 2, opKeys, 1, opRecord, 3, 0, opKeys, 0, opSegment, 1, opPause, opSegment, 9, opEmpty},
		{0, opShrink, opRequest, 90, 250, opRequest, 250, 250, opRequest, 255, 255, opFlush, opPause, opListen, opNotify, opPing},
		{0, opRequest, 250, 40, opFlush, opUnknown, 255, opUnknown, 240, opUnknown, 250, opFlush, opNetwork, 4},
		{1, opNotify, opAck, 1, opNotify, opState, 1, opRecord, 1, 255, opSegment, 2, opNotify},
		bytes.Repeat([]byte{opNetwork, 5, opRecord, 1, 0, opSegment, 1}, 40),
		bytes.Repeat([]byte{opKeys, 1, opNetwork, 3, opRecord, 9, 3, opSegment, 7}, 40),
	} {
		f.Add(seed)
	}
	for end := range byte(leaves) {
		f.Add([]byte{1, opNetwork, 2, opFlush, opNetwork, 1, opRecord, 2, 0, opSegment, 4, opEnd, end, 20, 3, 3, 0, 1, 1})
		f.Add([]byte{0, opRequest, 60, 60, opRecord, 30, 0, opSegment, 200, opNetwork, 3, opEnd, end, 1, 2, 3})
	}
	e := newWholeEdge(f)
	f.Fuzz(func(t *testing.T, script []byte) { e.play(t, script) })
}

// soon bounds what happens at once on a machine that has time.
const soon = time.Minute

// wholeEdge is a server on a real listener, with one device at a time.
type wholeEdge struct {
	srv     *Server
	witness *witness
	metrics *prometheus.Registry
	addr    string
	client  *tls.Config
}

func newWholeEdge(f *testing.F) *wholeEdge {
	f.Helper()
	server, client := certificates(f)
	client.NextProtos, client.CurvePreferences = []string{"hawser/1"}, []tls.CurveID{tls.X25519}
	e := &wholeEdge{witness: newWitness(), metrics: prometheus.NewRegistry(), client: client}
	l, err := transport.ListenTCP(transport.ListenConfig{
		Addr: "127.0.0.1:0", TLS: server, HandshakeTimeout: 5 * time.Minute,
		OnReject: func(_ transport.Kind, reason string) { e.witness.rejected(reason) },
	})
	if err != nil {
		f.Fatal(err)
	}
	e.addr = l.Addr().String()
	e.srv, err = NewServer(Config{
		Verifier: testVerifier{}, Registry: e.witness, Relay: e.witness, Heartbeat: e.witness, Registerer: e.metrics,
		Kinds: func(string) []string { return []string{"contacts", "messages"} },
		Limits: Limits{
			HelloTimeout: 5 * time.Minute, WriteTimeout: 5 * time.Minute, FramesPerSecond: 1e6,
			RequestsPerSecond: 1e6, MaxRequests: maxScript,
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.srv.Serve(ctx, l) }()
	f.Cleanup(func() {
		cancel()
		<-served
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		if err := l.Shutdown(ctx); err != nil {
			f.Errorf("Shutdown: %v", err)
		}
	})
	return e
}

// play is one device's life.
func (e *wholeEdge) play(t *testing.T, script []byte) {
	files, goroutines, ends := openFiles(t), runtime.NumGoroutine(), e.ends(t)
	e.witness.reset()
	p := &player{t: t, edge: e, script: script}
	p.dial()
	p.run()
	p.finish()
	await(t, "the edge is as before", func() bool {
		return e.srv.Hub().Count() == 0 && e.srv.unidentified.Load() == 0 && e.witness.registered() == 0 &&
			runtime.NumGoroutine() <= goroutines && openFiles(t) <= files
	})
	p.judge(since(ends, e.ends(t)))
}

// ends are the connections that ended, by how.
func (e *wholeEdge) ends(t *testing.T) map[string]int {
	families, err := e.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := e.witness.rejections()
	for _, f := range families {
		var where string
		switch f.GetName() {
		case "hawser_session_closed_total":
			where = "closed "
		case "hawser_session_refused_total":
			where = "refused "
		default:
			continue
		}
		for _, m := range f.GetMetric() {
			out[where+m.GetLabel()[0].GetValue()] = int(m.GetCounter().GetValue())
		}
	}
	return out
}

// since is what was added.
func since(before, after map[string]int) map[string]int {
	out := map[string]int{}
	for k, n := range after {
		if n -= before[k]; n != 0 {
			out[k] = n
		}
	}
	return out
}

func openFiles(t *testing.T) int {
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// await waits until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	start := time.Now()
	for tries := 0; !so(); tries++ {
		switch {
		case tries < 20:
			runtime.Gosched()
		case time.Since(start) < soon:
			time.Sleep(50 * time.Microsecond)
		default:
			buf := make([]byte, 1<<20)
			t.Fatalf("after %v it is not so that %s:\n%s", soon, what, buf[:runtime.Stack(buf, true)])
		}
	}
}
