package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/session"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// testEdge is a real edge on loopback sockets, with this test in the place of
// the routers.
type testEdge struct {
	t      *testing.T
	server *session.Server
	dir    string // of the dev state
	addr   string

	registered chan session.Registration
	answers    chan session.Answer
	devices    chan session.Device
	removed    chan string

	mu    sync.Mutex
	items []*wirepb.Item // Guarded by mu: what sync answers with.
	head  int64          // Guarded by mu.
}

// startEdge starts an edge and leaves the state of a dev in a directory.
func startEdge(t *testing.T) *testEdge {
	t.Helper()
	keys := newKey(t)
	e := &testEdge{
		t: t, dir: t.TempDir(),
		registered: make(chan session.Registration, 64), answers: make(chan session.Answer, 64),
		devices: make(chan session.Device, 64), removed: make(chan string, 64),
	}
	verifier, err := token.NewVerifier([]token.Source{{Tenant: "demo", JWKSFile: filepath.Join(keys, publicKeysName)}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e.server, err = session.NewServer(session.Config{
		Verifier: verifier, Registry: e, Relay: e, Edge: "test-edge",
		Kinds: func(string) []string { return []string{"messages"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	e.listen()
	state := config.DevState{
		Addr: e.addr, CAFile: filepath.Join(e.dir, "ca.pem"), Tenant: "demo",
		JWTKeyFile: filepath.Join(keys, privateKeyName),
	}
	if err := state.Save(e.dir); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *testEdge) listen() {
	tcp, quic, err := transport.ListenBoth(transport.ListenConfig{
		Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
		TLS: &tls.Config{Certificates: []tls.Certificate{e.certificate()}},
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.addr = tcp.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	for _, l := range []transport.Listener{tcp, quic} {
		serving.Go(func() { _ = e.server.Serve(ctx, l) })
	}
	e.t.Cleanup(func() {
		stop()
		serving.Wait()
		_ = tcp.Close()
		_ = quic.Close()
	})
}

// certificate makes one that is its own authority and writes it down for the
// device.
func (e *testEdge) certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		e.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		e.t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(e.dir, "ca.pem"), ca, 0o600); err != nil {
		e.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// publish makes an item the head and tells a session of it.
func (e *testEdge) publish(conn uint64, version int64, item string) {
	e.mu.Lock()
	previous := e.head
	e.items = append(e.items, &wirepb.Item{Version: version, Data: []byte(item)})
	e.head = version
	e.mu.Unlock()
	e.server.Hub().Notify(conn, "router-1", "messages", version, previous)
}

func (e *testEdge) Register(r session.Registration)                     { e.registered <- r }
func (e *testEdge) Unregister(uint64)                                   {}
func (e *testEdge) Answer(_ string, a session.Answer)                   { e.answers <- a }
func (e *testEdge) PutDevice(_ context.Context, d session.Device) error { e.devices <- d; return nil }

func (e *testEdge) RemoveDevice(_ context.Context, tenant, user, device, _ string) error {
	e.removed <- tenant + "." + user + "." + device
	return nil
}

// Call is sync.
func (e *testEdge) Call(_ context.Context, c session.Call) ([]byte, error) {
	var req wirepb.SyncRequest
	if err := proto.Unmarshal(c.Body, &req); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	res := &wirepb.SyncResponse{Head: e.head}
	for _, item := range e.items {
		if item.Version > req.Since {
			res.Items = append(res.Items, item)
		}
	}
	return proto.Marshal(res)
}

// want takes the next value, or fails the test when none comes.
func want[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("no %s within a minute", what)
		panic("unreachable")
	}
}
