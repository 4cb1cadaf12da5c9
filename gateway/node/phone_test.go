package node_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// A phone is a device with the SDK, as one test sees it.
type phone struct {
	*app
	t testing.TB
}

// An app is what runs on a phone, and what it saw.
type app struct {
	// Static after connect.
	fleet        *fleet
	tenant, user string
	name         string
	client       *client.Client
	stop         context.CancelFunc
	ended        chan error

	// Guarded by mu.
	mu       sync.Mutex
	items    map[string][]client.Item // by kind, in the order of arrival
	state    client.State
	sessions int // how often it was connected
}

// phoneOptions change what connect says.
type phoneOptions struct {
	tenant    string // tenantA
	edge      string // whole
	transport string // auto
	pushToken string // none
	store     client.Store
	// dial replaces the dialing of edge.
	dial func(context.Context, transport.Kind, string) (transport.Conn, error)
}

// connect starts a device and waits until it is connected. It ends with the
// test.
func (f *fleet) connect(user, name string, o phoneOptions) *phone {
	f.t.Helper()
	p := f.open(user, name, o)
	p.waitConnected()
	return p
}

// open is connect that does not wait.
func (f *fleet) open(user, name string, o phoneOptions) *phone {
	f.t.Helper()
	if o.tenant == "" {
		o.tenant = tenantA
	}
	if o.edge == "" {
		o.edge = whole
	}
	p := &phone{t: f.t, app: &app{
		fleet: f, tenant: o.tenant, user: user, name: name,
		items: map[string][]client.Item{}, ended: make(chan error, 1),
	}}
	var err error
	p.client, err = client.New(client.Config{
		Addr: f.edgeAddr(o.edge), Transport: o.transport, TLS: f.tls,
		Token:    func(context.Context) (string, error) { return f.env.Token(o.tenant, user, name) },
		Platform: client.PlatformIOS, App: devmode.IOSApp, PushToken: o.pushToken,
		Store: o.store, Dial: o.dial, OnEvent: p.hear, OnState: p.setState,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() { p.ended <- p.client.Run(ctx) }()
	f.t.Cleanup(p.close)
	return p
}

// in is the phone for a subtest.
func (p *phone) in(t testing.TB) *phone { return &phone{p.app, t} }

// close ends the application.
func (p *phone) close() {
	p.stop()
	err := <-p.ended
	p.ended <- err // for whoever asks next
}

// run returns what the client's Run returned, once it has.
func (p *phone) run() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err // for whoever asks next
		return err
	case <-time.After(patience):
		p.t.Fatalf("%s's %s still runs after %v", p.user, p.name, patience)
		return nil
	}
}

func (p *phone) hear(_ context.Context, e client.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items[e.Kind] = append(p.items[e.Kind], e.Items...)
	return nil
}

func (p *phone) setState(s client.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	if s.Phase == client.PhaseConnected {
		p.sessions++
	}
}

func (p *phone) waitConnected() {
	p.t.Helper()
	eventually(p.t, p.user+"'s "+p.name+" is connected", func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.state.Phase == client.PhaseConnected {
			return nil
		}
		return errors.Join(errNotYet, p.state.Err)
	})
}

// connections is how often the phone was connected.
func (p *phone) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions
}

// heard returns the versions that the application was handed, in order.
func (p *phone) heard(kind string) []int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var versions []int64
	for _, item := range p.items[kind] {
		versions = append(versions, item.Version)
	}
	return versions
}

func (p *phone) waitHeard(kind string, version int64) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%s's %s hears %s %d", p.user, p.name, kind, version), func() error {
		if got := p.heard(kind); !slices.Contains(got, version) {
			return fmt.Errorf("it heard %d: %w", got, errNotYet)
		}
		return nil
	})
}

// hears publishes an event and waits until the phone has it.
func (p *phone) hears(item string) int64 {
	p.t.Helper()
	a := p.fleet.in(p.t).publish(p.tenant, event(p.user, "messages", item))
	p.waitHeard("messages", a.Version)
	return a.Version
}

// pushes are what the provider received for a push token.
func (f *fleet) pushes(token string) []pushtest.Notification {
	return append(f.env.APNs.ReceivedBy(token), f.env.FCM.ReceivedBy(token)...)
}

func (f *fleet) waitPushed(token string, n int) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("%d pushes", n), func() error {
		if got := len(f.pushes(token)); got != n {
			return fmt.Errorf("there are %d: %w", got, errNotYet)
		}
		return nil
	})
}

// memory is a store that outlives a client.
type memory struct {
	mu       sync.Mutex
	versions map[string]int64 // Guarded by mu.
}

// Load implements client.Store.
func (m *memory) Load() (map[string]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.versions), nil
}

// Save implements client.Store.
func (m *memory) Save(kind string, version int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.versions == nil {
		m.versions = map[string]int64{}
	}
	m.versions[kind] = version
	return nil
}
