package httpservice_test

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/httpservice"
	"github.com/hawser-edge/hawser/routing/relay"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

// verifier takes tokens such as "acme.u1.d1".
type verifier struct{}

func (verifier) Verify(token string) (tenant, user, device string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", "", "", errors.New("not a token")
	}
	return parts[0], parts[1], parts[2], nil
}

// env is a device's edge, a router that calls over HTTP, and a service.
type env struct {
	nats  *natstest.Server
	relay *relay.Relay
	logs  *logs
	// stop ends the bridge.
	stop func()
}

// logs keeps what was logged, to look for what must not be.
type logs struct {
	mu   sync.Mutex
	text strings.Builder // Guarded by mu.
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs a bridge for the tenants acme, with these URLs, and globex.
func start(t *testing.T, urls map[string]string, change func(*httpservice.Config)) *env {
	t.Helper()
	kinds := map[string]routing.Kind{"messages": {}, "account": {Backend: true}}
	tenants := []routing.Tenant{
		{Name: "acme", Kinds: kinds, HTTP: urls, Idempotent: []string{}},
		{Name: "globex", Kinds: kinds, Services: []string{"orders"}, HTTP: map[string]string{}},
	}
	for name, url := range urls {
		if !strings.HasPrefix(name, "sync.") {
			tenants[0].Services = append(tenants[0].Services, name)
		}
		if name == "orders" {
			tenants[1].HTTP[name] = url
		}
	}
	catalog, err := routing.NewCatalog(tenants)
	if err != nil {
		t.Fatal(err)
	}
	e := &env{logs: &logs{}}
	e.nats = natstest.Run(t, routing.User{Role: routing.RoleEdge, Label: "hk1"}, routing.User{Role: routing.RoleRouter, Label: "r1"})
	cfg := httpservice.Config{
		Conn: e.nats.Conn(routing.RoleRouter, "r1"), Catalog: catalog, Verifier: verifier{},
		Secrets: map[string][][]byte{"acme": {secret}, "globex": {[]byte("globex's own secret, 32 bytes....")}},
		Log:     slog.New(slog.NewJSONHandler(e.logs, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	e.stop = run(t, cfg)
	e.relay, err = relay.New(relay.Config{Edge: "hk1", Conn: e.nats.Conn(routing.RoleEdge, "hk1"), Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.relay.Close() })
	return e
}

// run runs a bridge, from when it has subscribed, until the test ends or stop
// is called.
func run(t *testing.T, cfg httpservice.Config) (stop func()) {
	t.Helper()
	b, err := httpservice.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	before := cfg.Conn.NumSubscriptions()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	want := before
	for _, tenant := range cfg.Catalog.Tenants() {
		want += len(cfg.Catalog.UpstreamOverHTTP(tenant))
	}
	for cfg.Conn.NumSubscriptions() < want {
		time.Sleep(time.Millisecond)
	}
	if err := cfg.Conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return stop
}

// backend serves HTTPS for the length of the test.
func backend(t *testing.T, h http.HandlerFunc) (url string, roots func(*httpservice.Config)) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return srv.URL, func(c *httpservice.Config) { c.RootCAs = pool }
}

func (e *env) call(t *testing.T, service, method, body string) ([]byte, error) {
	t.Helper()
	return e.callFor(t, service, method, body, 10*time.Second)
}

func (e *env) callFor(t *testing.T, service, method, body string, wait time.Duration) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	return e.relay.Call(ctx, relay.Call{
		Tenant: "acme", User: "u1", Device: "d1", Token: "acme.u1.d1", Service: service, Method: method, Body: []byte(body),
	})
}

func status(err error) wire.Status {
	var s interface{ Status() wire.Status }
	switch {
	case err == nil:
		return wire.StatusOK
	case !errors.As(err, &s):
		return 255
	}
	return s.Status()
}
