package session

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// The same session on real sockets: the deadlines, the last frame and the
// token are not those of a test's stand-ins.
func TestOnSockets(t *testing.T) {
	for name, sockets := range map[string]struct {
		listen func(transport.ListenConfig) (transport.Listener, error)
		dial   func(context.Context, string, *tls.Config) (transport.Conn, error)
	}{
		"tcp":  {transport.ListenTCP, transport.DialTCP},
		"quic": {transport.ListenQUIC, transport.DialQUIC},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := certificates(t)
			l, err := sockets.listen(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			e, signer := socketEdge(t)
			served := make(chan error, 1)
			serving, stop := context.WithCancel(ctx)
			go func() { served <- e.Serve(serving, l) }()

			conn, err := sockets.dial(ctx, l.Addr().String(), client)
			if err != nil {
				t.Fatal(err)
			}
			converse(t, e, conn, signer)
			stop()
			<-served
			_ = conn.CloseWithCode(0, "")
			if err := l.Shutdown(ctx); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
}

// converse is a short life: Hello, a notify, its ack, a warning because the
// token is about to expire, a renewal, Bye.
func converse(t *testing.T, srv *Server, conn transport.Conn, signer *token.Signer) {
	t.Helper()
	reader := wire.NewReader(conn, wire.MaxPayload)
	send := func(f wire.Frame) {
		if _, err := conn.Write(wire.Append(nil, f)); err != nil {
			t.Fatal(err)
		}
	}
	next := func(want wire.Type) wire.Frame {
		t.Helper()
		f, err := reader.Next()
		if err != nil || f.Type() != want {
			t.Fatalf("%+v, %v; want %s", f, err, want)
		}
		return f
	}
	jwt := func(life time.Duration) string {
		s, err := signer.Sign(token.Identity{Tenant: "acme", User: "anna", Device: "phone", ExpiresAt: time.Now().Add(life)}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// Within the grace: the read deadline that is set for the warning has
	// passed at once, and reading goes on behind it.
	send(&wire.Hello{Body: &wirepb.Hello{Token: jwt(10 * time.Second)}})
	next(wire.TypeWelcome)
	next(wire.TypeGoAway)
	send(&wire.Token{Body: &wirepb.Token{Token: jwt(time.Hour)}})
	send(&wire.Ping{})
	next(wire.TypePong)
	srv.Hub().Notify(1, "r1", "messages", 3, 0)
	n := next(wire.TypeNotify).(*wire.Notify)
	send(&wire.Ack{Kind: n.Kind, Version: n.Version})
	send(&wire.Request{ID: 1, Service: "a", Method: "b", Body: []byte("body")})
	if r := next(wire.TypeResponse).(*wire.Response); string(r.Body) != "body" {
		t.Errorf("response %+v", r)
	}
	if a := srv.Hub().Notify(1, "r1", "messages", 3, 0); a.State != Acked {
		t.Errorf("after the ack: %+v", a)
	}
	send(&wire.Bye{})
	if c := next(wire.TypeClose).(*wire.Close); c.Code != wire.CloseBye {
		t.Errorf("closed with %v", c.Code)
	}
}

func socketEdge(t *testing.T) (*Server, *token.Signer) {
	t.Helper()
	private, public, err := token.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := token.ParseSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	keys := t.TempDir() + "/jwks.json"
	if err := token.WriteKey(keys, public); err != nil {
		t.Fatal(err)
	}
	verifier, err := token.NewVerifier([]token.Source{{Tenant: "acme", JWKSFile: keys}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := NewServer(Config{
		Verifier: verifier, Registry: discardRegistry{},
		Relay: relayFunc(func(_ context.Context, c Call) ([]byte, error) { return c.Body, nil }),
		Kinds: func(string) []string { return []string{"messages"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv, signer
}

func certificates(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"edge.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return server, &tls.Config{RootCAs: roots, ServerName: "edge.test"}
}

// A device that asks for much and reads late gets all of it; one that does not
// read at all is let go. On TCP the edge has no goroutine for the connection,
// and on QUIC none for what it writes.
func TestLateReaders(t *testing.T) {
	t.Run("tcp", func(t *testing.T) { lateReaders(t, transport.ListenTCP, transport.DialTCP) })
	t.Run("quic", func(t *testing.T) { lateReaders(t, transport.ListenQUIC, transport.DialQUIC) })
}

func lateReaders(t *testing.T, listen func(transport.ListenConfig) (transport.Listener, error),
	dial func(context.Context, string, *tls.Config) (transport.Conn, error)) {
	const requests, body = 8, 60_000
	server, client := certificates(t)
	l, err := listen(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	e, signer := socketEdge(t)
	e.cfg.Limits.WriteTimeout = time.Second
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, l) }()
	connect := func(name string) (transport.Conn, *wire.Reader) {
		conn, err := dial(ctx, l.Addr().String(), client)
		if err != nil {
			t.Fatal(err)
		}
		jwt, err := signer.Sign(token.Identity{Tenant: "acme", User: "anna", Device: name, ExpiresAt: time.Now().Add(time.Hour)}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write(wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{Token: jwt}}))
		r := wire.NewReader(conn, wire.MaxPayload)
		if f, err := r.Next(); err != nil || f.Type() != wire.TypeWelcome {
			t.Fatalf("%v, %v", f, err)
		}
		return conn, r
	}
	ask := func(conn transport.Conn, from, to int) error {
		for id := from; id < to; id++ {
			_, err := conn.Write(wire.Append(nil, &wire.Request{ID: uint64(id), Service: "a", Method: "b", Body: make([]byte, body)}))
			if err != nil {
				return err
			}
		}
		return nil
	}

	late, reader := connect("late")
	if err := ask(late, 0, requests); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // responses wait meanwhile, most likely
	for range requests {
		f, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := f.(*wire.Response); !ok || r.Status != wire.StatusOK || len(r.Body) != body {
			t.Fatalf("%+v", f)
		}
	}
	_ = late.CloseWithCode(0, "")

	deaf, _ := connect("deaf")
	go func() {
		for id := 0; ask(deaf, id, id+1) == nil; id++ {
			time.Sleep(20 * time.Millisecond)
		}
	}()
	for end := time.Now().Add(time.Minute); e.Hub().Count() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a device that does not read is still there")
		}
	}
	_ = deaf.CloseWithCode(0, "")
	stop()
	<-served
	if err := l.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// What is due by the clock alone happens over QUIC, too, where the edge's
// goroutine for the connection only waits: a device whose token expires is
// warned, and then closed.
func TestTokenExpiresOverQUIC(t *testing.T) {
	server, client := certificates(t)
	l, err := transport.ListenQUIC(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	e, signer := socketEdge(t)
	e.cfg.Limits.TokenGrace = time.Second
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, l) }()
	conn, err := transport.DialQUIC(ctx, l.Addr().String(), client)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	jwt, err := signer.Sign(token.Identity{Tenant: "acme", User: "anna", Device: "phone", ExpiresAt: now.Add(2 * time.Second)}, now)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(wire.AppendWide(nil, &wire.Hello{Body: &wirepb.Hello{Token: jwt}}))
	_ = conn.SetReadDeadline(now.Add(time.Minute))
	r := wire.NewReader(conn, wire.MaxPayload)
	for _, want := range []wire.Type{wire.TypeWelcome, wire.TypeGoAway, wire.TypeClose} {
		f, err := r.Next()
		if err != nil || f.Type() != want {
			t.Fatalf("%v, %v, want %v", f, err, want)
		}
		if c, ok := f.(*wire.Close); ok && c.Code != wire.CloseTokenExpired {
			t.Errorf("closed with %v", c.Code)
		}
	}
	_ = conn.CloseWithCode(0, "")
	stop()
	<-served
	if err := l.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
