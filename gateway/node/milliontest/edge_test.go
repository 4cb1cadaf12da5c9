package milliontest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/gateway/session"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

var kinds = []string{"account", "contacts", "messages"}

const (
	edgeName    = "edge-1"
	routerName  = "router-1"
	incarnation = 1_700_000_000_000
)

// edge is the part of an edge that knows its sessions, with a router that hears
// of them and has no other use.
type edge struct {
	t        *testing.T
	door     *door
	srv      *session.Server
	link     *edgelink.Link
	registry *prometheus.Registry
	nats     *natstest.Server
	conn     *nats.Conn  // the edge's
	server   *tls.Config // nil: no TLS
	client   *tls.Config
}

// joined is what package node makes of a link for sessions.
type joined struct {
	session.Registry // nil: devices have no push tokens
	link             *edgelink.Link
}

func (j joined) Register(r session.Registration) { j.link.Register(edgelink.Session(r)) }
func (j joined) Unregister(conn uint64)          { j.link.Unregister(conn) }
func (j joined) Answer(string, session.Answer)   {}

type noRelay struct{}

func (noRelay) Call(context.Context, session.Call) ([]byte, error) { return nil, context.Canceled }

func newEdge(t *testing.T, n int) *edge {
	t.Helper()
	e := &edge{t: t, door: newDoor(n), registry: prometheus.NewRegistry()}
	e.nats = natstest.Run(t, routing.User{Role: routing.RoleEdge, Label: edgeName}, routing.User{Role: routing.RoleRouter, Label: routerName})
	e.conn = e.nats.Conn(routing.RoleEdge, edgeName, routing.ConnectOptions(routing.RoleEdge, edgeName)...)
	var err error
	e.link, err = edgelink.New(edgelink.Config{
		Edge: edgeName, Incarnation: incarnation, Handler: deafHandler{}, Registerer: e.registry,
		Conn: e.conn,
	})
	check(t, err)
	e.srv, err = session.NewServer(session.Config{
		Verifier: verifier{}, Registry: joined{link: e.link}, Relay: noRelay{}, Kinds: func(string) []string { return kinds },
		Registerer: e.registry, Edge: edgeName, Limits: session.Limits{MaxUnidentified: 1 << 20},
	})
	check(t, err)
	if os.Getenv("HAWSER_MILLION_TLS") != "" {
		e.certificates()
	}
	// They end with the process: it is the only test in it.
	go func() { _ = e.link.Run(context.Background()) }()
	go func() { _ = e.srv.Serve(context.Background(), e.door) }()
	go e.door.turn(context.Background())
	return e
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// token is as a tenant signs it, but for the signature: a hundred microseconds
// for each to make and to verify would take longer than all the rest.
func (e *edge) token(user string) string {
	signature := make([]byte, ed25519.SignatureSize)
	_, _ = rand.Read(signature) // never fails
	claims := fmt.Sprintf(`{"tid":"acme","did":"phone","sub":%q,"aud":["hawser"],"exp":%d,"iat":%d}`,
		user, time.Now().Add(24*time.Hour).Unix(), time.Now().Unix())
	return encode(`{"alg":"EdDSA","kid":"a-key-of-the-tenant","typ":"JWT"}`) + "." + encode(claims) + "." + encode(string(signature))
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// verifier believes every token.
type verifier struct{}

func (v verifier) VerifyIf(jwt string, now time.Time, worth func(token.Identity) error) (token.Identity, error) {
	id, err := v.Verify(jwt, now)
	if err != nil {
		return id, err
	}
	return id, worth(id)
}

func (verifier) Verify(jwt string, now time.Time) (token.Identity, error) {
	parts := strings.Split(jwt, ".")
	var c struct {
		Sub, Tid, Did string
		Exp, Iat      int64
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	return token.Identity{Tenant: c.Tid, User: c.Sub, Device: c.Did, ExpiresAt: time.Unix(c.Exp, 0), IssuedAt: time.Unix(c.Iat, 0)}, err
}

func (e *edge) certificates() {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	check(e.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"edge.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	check(e.t, err)
	e.server = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, CurvePreferences: []tls.CurveID{tls.X25519},
	}
	e.client = &tls.Config{InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}}
}

// under is what a connection has of TLS.
func (e *edge) under() *tls.Conn {
	if e.server == nil {
		return nil
	}
	c, err := shaken(e.server, e.client)
	if err != nil {
		panic(fmt.Sprint("handshake in memory: ", err))
	}
	return c
}

// told waits until routers have been told of all sessions.
func (e *edge) told(t *testing.T) {
	t.Helper()
	for last, quiet := 0.0, 0; quiet < 5; time.Sleep(200 * time.Millisecond) {
		now := e.counter("hawser_edgelink_batches_total")
		if quiet++; now != last {
			last, quiet = now, 0
		}
	}
}

func (e *edge) counter(name string) float64 {
	return metrictest.Value(e.t, e.registry, name)
}

// newcomers has sessions come and go while something is done, and returns how
// long one waited at most to be registered.
func (e *edge) newcomers(do func()) (longest time.Duration) {
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	for conn := uint64(1 << 40); ; conn++ {
		began := time.Now()
		e.link.Register(edgelink.Session{Conn: conn, Tenant: "acme", User: "newcomer", Device: "phone", Epoch: 1})
		longest = max(longest, time.Since(began))
		e.link.Unregister(conn)
		select {
		case <-done:
			return longest.Round(time.Microsecond)
		case <-time.After(100 * time.Microsecond):
		}
	}
}

// dump has a router ask for all sessions, and waits for them.
func (e *edge) dump() {
	conn := e.nats.Conn(routing.RoleRouter, routerName, routing.ConnectOptions(routing.RoleRouter, routerName)...)
	defer conn.Close()
	sub, err := conn.SubscribeSync(routing.DumpSubject(routerName, edgeName))
	check(e.t, err)
	check(e.t, sub.SetPendingLimits(-1, -1))
	b, err := proto.Marshal(&linkpb.DumpRequest{Router: routerName, RouterIncarnation: incarnation, DumpId: 1})
	check(e.t, err)
	check(e.t, conn.Publish(routing.DumpRequestSubject(edgeName), b))
	for sessions := 0; ; {
		m, err := sub.NextMsg(time.Minute)
		check(e.t, err)
		var part linkpb.SessionDump
		check(e.t, proto.Unmarshal(m.Data, &part))
		if sessions += len(part.Sessions); part.Last {
			e.t.Logf("a dump has %d sessions in %d parts", sessions, part.Part+1)
			return
		}
	}
}

// sweep has a complete router come, for which all sessions are verified anew.
func (e *edge) sweep() {
	conn := e.nats.Conn(routing.RoleRouter, routerName, routing.ConnectOptions(routing.RoleRouter, routerName)...)
	defer conn.Close()
	b, err := proto.Marshal(&linkpb.RouterBeat{Router: routerName, Incarnation: incarnation, Complete: true, NowMs: time.Now().UnixMilli()})
	check(e.t, err)
	for range 30 {
		check(e.t, conn.Publish(routing.BeatSubject(routerName), b))
		time.Sleep(100 * time.Millisecond)
	}
}

// resync has NATS go away and come back.
func (e *edge) resync() {
	check(e.t, e.conn.ForceReconnect())
	time.Sleep(5 * time.Second)
}

// deafHandler hears no news.
type deafHandler struct{}

func (deafHandler) Notify(uint64, string, string, int64, int64) (a edgelink.Answer)     { return a }
func (deafHandler) Back()                                                               {}
func (deafHandler) NotifyCalm(uint64, string, string, int64, int64) (a edgelink.Answer) { return a }
func (deafHandler) Heads(uint64, []edgelink.Head)                                       {}
func (deafHandler) Supersede(uint64)                                                    {}
func (deafHandler) Cut(uint64, int64, int64)                                            {}
func (deafHandler) Surplus(uint64)                                                      {}
func (deafHandler) RefuseEpoch(uint64)                                                  {}
