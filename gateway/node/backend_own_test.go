package node_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// A kind that the backend numbers: the backend publishes its own numbers,
// devices hear them and fetch from the backend's own service, page by page,
// also when that service was away at first.
func TestBackendNumbersOverNATS(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	backend, refused := f.backend(tenantA)
	own := &ownKind{}
	if err := own.serve(backend.nc, tenantA, "account"); err != nil {
		t.Fatal(err)
	}
	p := f.connect("bob", "phone", phoneOptions{})
	publish := func(item string) int64 {
		version := own.add(item)
		stored, err := backend.publish("bob", "account", "", map[string]string{"Hawser-Version": fmt.Sprint(version)})
		if err != nil || stored.Version != version {
			t.Fatalf("published: %+v, %v", stored, err)
		}
		return version
	}
	for i := range 5 {
		p.waitHeard("account", publish(fmt.Sprint("item ", i)))
	}
	late := f.connect("bob", "tablet", phoneOptions{})
	late.waitHeard("account", 5)
	if got := late.heard("account"); !slices.Equal(got, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("the second device fetched %d", got)
	}
	ahead := f.connect("bob", "restored", phoneOptions{store: &memory{versions: map[string]int64{"account": 99}}})
	eventually(t, "a device that is ahead is reset", func() error {
		if v := ahead.client.Versions()["account"]; v != 5 {
			return fmt.Errorf("it is at %d: %w", v, errNotYet)
		}
		return nil
	})

	// The service dies, and the news does not wait for it.
	second, _ := f.backend(tenantA)
	backend.nc.Close()
	backend = second
	version := publish("while away")
	wantStatus(t, p, "sync", "account", wire.StatusUnavailable, "")
	if err := own.serve(second.nc, tenantA, "account"); err != nil {
		t.Fatal(err)
	}
	p.waitHeard("account", version)
	late.waitHeard("account", version)
	if err := refused.all(); err != nil {
		t.Errorf("NATS refused the backend something it needs: %v", err)
	}
}

// A backend without NATS serves calls and the sync of its own kind over HTTP.
func TestBackendOverHTTP(t *testing.T) {
	t.Parallel()
	own := &ownKind{}
	backend := &httpBackend{secret: []byte(strings.Repeat("secret", 6)), since: func(since int64) (items []map[string]any, head int64, more bool) {
		found, head, more, _ := own.since(since)
		for _, it := range found {
			items = append(items, map[string]any{"version": fmt.Sprint(it.version), "data": []byte(it.data)})
		}
		return items, head, more
	}}
	srv := httptest.NewUnstartedServer(backend)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.StartTLS()
	defer srv.Close()
	f := newFleet(t, options{services: fmt.Sprintf(
		"services: {echo: %q, sync.account: %q, other.method: nats}\n    service_secret_files: [services.new, services.old]", srv.URL, srv.URL+"/sync")})
	for name, content := range map[string]string{
		"services.new": strings.Repeat("new", 11), "services.old": string(backend.secret) + "\n",
		"services.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})),
	} {
		if err := os.WriteFile(f.env.Path(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.vars = append(f.vars, "HAWSER_ROUTER_SERVICES_CA_FILE="+f.env.Path("services.pem"))
	f.start(whole)
	f.waitReady(whole)
	p := f.connect("bob", "phone", phoneOptions{})

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	said, err := p.client.Request(ctx, "echo", "say", []byte("hello"))
	if want := "bob's phone said hello"; err != nil || string(said) != want {
		t.Errorf("the service answered %q, %v, want %q", said, err, want)
	}
	wantStatus(t, p, "echo", "missing", wire.StatusNotFound, "there is no such method")
	wantStatus(t, p, "other", "method", wire.StatusUnavailable, "no service answers other/method")
	wantStatus(t, p, "other", "else", wire.StatusPermissionDenied, "not on the tenant's list")
	for i := range 3 {
		version := own.add(fmt.Sprint("item ", i))
		f.publish(tenantA, object{"user": "bob", "kind": "account", "version": fmt.Sprint(version)})
		p.waitHeard("account", version)
	}
	if text := f.logs.String(); strings.Contains(text, "secretsecret") || strings.Contains(text, "newnew") || strings.Contains(text, "v1=") {
		t.Error("a secret or a signature was logged")
	}
}
