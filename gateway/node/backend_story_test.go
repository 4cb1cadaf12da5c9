package node_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
)

// refusals are the errors that NATS reported to a backend.
type refusals struct {
	mu   sync.Mutex
	errs []error // Guarded by mu.
}

func (r *refusals) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *refusals) all() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}

// backend connects a tenant's backend to NATS, for the length of the test.
func (f *fleet) backend(tenant string) (*natsBackend, *refusals) {
	f.t.Helper()
	password, err := os.ReadFile(f.env.Path(devmode.PasswordFile(routing.RoleBackend, tenant)))
	if err != nil {
		f.t.Fatal(err)
	}
	refused := &refusals{}
	b, err := dialBackend(f.env.NATSURL, tenant, string(password), refused.add)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(b.nc.Close)
	return b, refused
}

// A backend with a NATS client alone publishes, and answers what a device
// asks.
func TestBackendOverNATS(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	backend, refused := f.backend(tenantA)
	if err := backend.serveEcho(); err != nil {
		t.Fatal(err)
	}
	p := f.connect("bob", "phone", phoneOptions{})

	first, err := backend.publish("bob", "messages", "over NATS", map[string]string{"Hawser-Id": "once"})
	if err != nil || first.Version == 0 || first.Duplicate {
		t.Fatalf("published: %+v, %v", first, err)
	}
	p.waitHeard("messages", first.Version)
	again, err := backend.publish("bob", "messages", "over NATS", map[string]string{"Hawser-Id": "once"})
	if err != nil || again.Version != first.Version || !again.Duplicate {
		t.Errorf("repeated: %+v, %v, want the duplicate of %d", again, err, first.Version)
	}

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	said, err := p.client.Request(ctx, "echo", "say", []byte("hello"))
	if want := "bob's phone said hello"; err != nil || string(said) != want {
		t.Errorf("the service answered %q, %v, want %q", said, err, want)
	}
	wantStatus(t, p, "echo", "fail", wire.StatusFailedPrecondition, "not now")
	wantStatus(t, p, "echo", "missing", wire.StatusUnavailable, "no service answers echo/missing")
	wantStatus(t, p, "elsewhere", "say", wire.StatusPermissionDenied, "not on the tenant's list")
	wantStatus(t, p, "sync", "missing", wire.StatusNotFound, "there is no kind missing")
	if err := refused.all(); err != nil {
		t.Errorf("NATS refused the backend something it needs: %v", err)
	}
}

func wantStatus(t *testing.T, p *phone, service, method string, status wire.Status, message string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := p.client.Request(ctx, service, method, nil)
	var fault *client.RequestError
	if !errors.As(err, &fault) || fault.Status != status {
		t.Fatalf("%s/%s: %v, want %v", service, method, err, status)
	}
	wantText(t, fault.Message, message)
}
