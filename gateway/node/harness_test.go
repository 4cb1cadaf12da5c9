package node_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// patience bounds every wait of the tests. It is long because many nodes
// share the machine, and nothing waits for it unless something is broken.
const patience = 3 * time.Minute

// tenantA and tenantB are the tenants of every fleet.
const (
	tenantA = "demo"
	tenantB = "other"
)

// whole is the one node of most fleets.
const whole = "all-1"

// A fleet is the nodes of one test, in this process, on real sockets, a real
// NATS server with the roles' permissions and simulated push providers.
type fleet struct {
	// Static after newFleet.
	t     testing.TB
	env   *devmode.Environment
	roots *x509.CertPool
	tls   *tls.Config
	logs  *logs
	// secrets must not be told, in logs nor anywhere else.
	secrets *secrets
	vars    []string
	specs   map[string]devmode.Node
	// services as in options.
	services string

	// Owned by the test's goroutine.
	addrs map[string]map[string]string // by node and by what is served
}

// options of a fleet. The zero value is one node with all roles.
type options struct {
	nodes []devmode.Node
	// vars are HAWSER_ variables that change the nodes' configuration.
	vars []string
	// natsURL is a server that the test runs. Empty: one is started.
	natsURL string
	// services replaces the tenants' services in the nodes' configuration.
	// Empty: [echo], over NATS.
	services string
}

// startFleet starts the fleet and waits until every node can take work.
func startFleet(t testing.TB, o options) *fleet {
	t.Helper()
	f := newFleet(t, o)
	for name := range f.specs {
		f.start(name)
	}
	for name := range f.specs {
		f.waitReady(name)
	}
	return f
}

// newFleet makes the environment and starts no node.
func newFleet(t testing.TB, o options) *fleet {
	t.Helper()
	if o.nodes == nil {
		o.nodes = []devmode.Node{{Name: whole, Roles: []string{"edge", "router", "push"}}}
	}
	f := &fleet{
		t: t, logs: &logs{}, secrets: &secrets{}, addrs: map[string]map[string]string{}, specs: map[string]devmode.Node{}, services: o.services,
		// Nobody has to be sent elsewhere at the end of a test.
		vars: append([]string{"HAWSER_EDGE_DRAIN_SPREAD=1ms", "HAWSER_LOG_LEVEL=debug"}, o.vars...),
	}
	for i := range o.nodes {
		n := &o.nodes[i]
		n.Listen, n.API, n.Admin = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
		f.specs[n.Name] = *n
	}
	t.Cleanup(func() { f.logs.check(t, f.secrets) })
	env, err := devmode.New(devmode.Options{
		Dir: t.TempDir(), Nodes: o.nodes, Tenants: []string{tenantA, tenantB}, NATSURL: o.natsURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(env.Close)
	f.env = env
	if f.secrets.scanner, err = env.Scanner(); err != nil {
		t.Fatal(err)
	}
	f.trust()
	return f
}

// in is the fleet for a subtest, which it then fails and ends.
func (f *fleet) in(t testing.TB) *fleet {
	sub := *f
	sub.t = t
	return &sub
}

func (f *fleet) trust() {
	f.t.Helper()
	var err error
	if f.tls, err = f.env.DeviceTLS(); err != nil {
		f.t.Fatal(err)
	}
	f.roots = f.tls.RootCAs
}

// start starts a node, which ends with the test or with the function that is
// returned, whichever comes first.
func (f *fleet) start(name string) (stop func()) {
	f.t.Helper()
	path, err := f.env.WriteConfig(f.specs[name])
	if err != nil {
		f.t.Fatal(err)
	}
	if f.services != "" {
		f.setServices(path)
	}
	cfg, err := config.Load(path, f.vars)
	if err != nil {
		f.t.Fatal(err)
	}
	n, err := node.New(cfg, slog.New(slog.NewJSONHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		f.t.Fatal(err)
	}
	f.addrs[name] = n.Addresses()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			f.scanPages(name)
			cancel()
			if err := <-ended; err != nil {
				f.t.Errorf("%s ended with: %v", name, err)
			}
		})
	}
	f.t.Cleanup(stop)
	return stop
}

// setServices changes a node's configuration.
func (f *fleet) setServices(path string) {
	f.t.Helper()
	const usual = "services: [echo]"
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), usual) {
		f.t.Fatalf("%s has no %s: %v", path, usual, err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), usual, f.services)), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) waitReady(name string) {
	f.t.Helper()
	eventually(f.t, name+" is ready", func() error { return f.ready(name) })
}

func (f *fleet) edgeAddr(name string) string { return f.addrs[name]["edge"] }

func (f *fleet) token(tenant, user, device string) string {
	f.t.Helper()
	jwt, err := f.env.Token(tenant, user, device)
	if err != nil {
		f.t.Fatal(err)
	}
	return jwt
}

// eventually repeats try until it returns nil.
func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("not within %v: %s: %v", patience, what, err)
		}
	}
}

var errNotYet = errors.New("not yet")

// logs keeps what the nodes log, to show it where the test fails.
type logs struct {
	mu   sync.Mutex
	text strings.Builder // Guarded by mu.
}

// Write implements io.Writer.
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

// check sees that no secret was told and shows the logs of a test that failed.
func (l *logs) check(t testing.TB, all *secrets) {
	text := l.String()
	all.scan("the log", []byte(text))
	all.report(t)
	if t.Failed() {
		const most = 20_000
		t.Logf("the end of the nodes' logs:\n%s", text[max(0, len(text)-most):])
	}
}
